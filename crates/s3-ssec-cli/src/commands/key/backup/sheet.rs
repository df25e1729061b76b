//! A page of paper that holds a key: words, QR code, and what to do with them.

use crate::report::{Exit, Failure};
use crate::text::today;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use s3_ssec::core::keyfile::{Entry, print_key};
use s3_ssec::core::words::Words;
use zeroize::Zeroizing;

/// Millimetres of the QR code on paper are in the style; these are its least units.
const QR_SIZE: u32 = 360;

const HEAD: &str = "\
<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<title>Backup of a key for S3</title>
<style>
@page { size: A4; margin: 18mm }
body { font: 11pt/1.45 Georgia, serif; color: #000; background: #fff; max-width: 174mm; margin: 0 auto }
h1 { font-size: 18pt; margin: 0 0 2mm }
h2 { overflow: hidden; font-size: 12pt; margin: 6mm 0 2mm; border-bottom: .3mm solid #000 }
code, ol.words { font-family: monospace }
ol.words { columns: 3; font-size: 12pt; line-height: 1.7; margin: 0; padding-left: 10mm }
dl { display: grid; grid-template-columns: 28mm 1fr; margin: 0 }
dt { font-weight: bold } dd { margin: 0 }
.qr { float: right; width: 48mm; margin: 0 0 2mm 6mm } .qr svg { width: 100%; height: auto; display: block }
.line { overflow-wrap: anywhere; font-size: 9pt }
.warn { border: .5mm solid #000; padding: 2mm 3mm }
</style>
";

/// The page. It is the key.
pub(super) fn page(entry: &Entry) -> Result<Zeroizing<String>, Failure> {
    let (kind, fingerprint) = (entry.key.kind(), entry.key.fingerprint());
    let line = print_key(&entry.key);
    // Room for everything: a growing String would leave pieces behind.
    let mut page = Zeroizing::new(String::with_capacity(128 << 10));
    page.push_str(HEAD);
    page.push_str(
        "<h1>Backup of a key</h1>\n<p class=\"warn\">Whoever holds this page can read the ",
    );
    page.push_str("data. Keep it where you keep passports, and not beside the computer.</p>\n");
    page.push_str("<div class=\"qr\">");
    page.push_str(&qr(&line)?);
    page.push_str("</div>\n<dl>\n");
    let label = entry.label.as_deref().map(escaped);
    for (name, value) in [
        ("Label", label),
        ("Kind", Some(format!("{kind} key"))),
        ("Fingerprint", Some(format!("<code>{fingerprint}</code>"))),
        ("Key made", entry.created.as_deref().map(escaped)),
        ("Page made", Some(today())),
    ] {
        if let Some(value) = value {
            page.push_str(&format!("<dt>{name}</dt><dd>{value}</dd>\n"));
        }
    }
    page.push_str(
        "</dl>\n<h2>What it opens</h2>\n<p>Objects in S3 whose tag <code>s3-ssec</code> ",
    );
    page.push_str(&format!("holds the fingerprint above. This is a {kind} key: "));
    page.push_str(match kind {
        s3_ssec::core::key::Kind::Master => "each object has a key of its own, made from this one.",
        s3_ssec::core::key::Kind::Direct => "it is the customer key (SSE-C) of each object.",
    });
    page.push_str("</p>\n<h2>The key in words</h2>\n<ol class=\"words\">\n");
    for word in Words::of(&entry.key).iter() {
        page.push_str("<li>");
        page.push_str(word);
        page.push('\n');
    }
    page.push_str("</ol>\n<h2>How to restore it</h2>\n<p>Type the words and the fingerprint into ");
    page.push_str(
        "<code>s3-ssec key restore</code>, or scan the QR code and give it the text, which ",
    );
    page.push_str("is this:</p>\n<p class=\"line\"><code>");
    page.push_str(&line);
    page.push_str(
        "</code></p>\n<p>Without that program: the words are BIP-39 in English, the line is ",
    );
    page.push_str("Bech32m of the 32 bytes; the rest is in FORMAT.md of s3-ssec.</p>\n</html>\n");
    Ok(page)
}

/// The line as a QR code, without the prolog of a file of its own.
fn qr(line: &str) -> Result<Zeroizing<String>, Failure> {
    let too_long = |error| {
        let what = format!("the key does not fit into a QR code: {error}");
        Failure::new(Exit::Failed, what, "Use --words.")
    };
    let code = QrCode::with_error_correction_level(line, EcLevel::Q).map_err(too_long)?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(QR_SIZE, QR_SIZE).build();
    let svg = Zeroizing::new(svg);
    let start = svg.find("<svg").unwrap_or_default();
    Ok(Zeroizing::new(svg[start..].to_owned()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec::core::key::{Key, Kind};

    #[test]
    fn a_label_is_text_and_nothing_comes_from_elsewhere() {
        let key = Key::from_bytes(Kind::Master, &[7; 32]).unwrap();
        let label = Some("<script>a & b</script>".to_owned());
        let page = page(&Entry { key, label, created: None }).unwrap();
        assert!(page.contains("&lt;script&gt;a &amp; b&lt;/script&gt;"));
        assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));
    }

    #[test]
    fn the_qr_code_says_the_line() {
        let key = Key::from_bytes(Kind::Direct, &[9; 32]).unwrap();
        let line = print_key(&key);
        let code = QrCode::with_error_correction_level(line.as_str(), EcLevel::Q).unwrap();
        // Black and white as a reader sees them, two pixels to a module and the quiet zone around.
        let (width, zone, scale) = (code.width(), 4, 3);
        let side = (width + 2 * zone) * scale;
        let colors = code.to_colors();
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
            let (x, y) = ((x / scale).wrapping_sub(zone), (y / scale).wrapping_sub(zone));
            let inside = x < width && y < width;
            if inside && colors[y * width + x] == qrcode::Color::Dark { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        assert_eq!(grids[0].decode().unwrap().1, *line);
        assert!(page(&Entry { key, label: None, created: None }).unwrap().contains("<path"));
    }
}
