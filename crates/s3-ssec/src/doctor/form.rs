//! A browser form whose fields are not in lower case: RGW 17 and later store plaintext (measured).

use super::exam::{Answer, Exam, TRIAL};
use super::traps::judged;
use super::{ProbeError, Seen};
use crate::form::Form;
use crate::presign::now;
use http::Method;
use zeroize::Zeroizing;

pub(super) async fn check(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let answer = send(exam, "form").await?;
    let stored = exam.stored("form").await?;
    let avoid = "Write the fields of forms in lower case, key-md5 included, and ask for 201, which \
                 echoes; or upload with fetch and headers, as the page of s3-ssec does.";
    Ok(judged(answer, &stored, avoid))
}

async fn send(exam: &mut Exam<'_>, key: &str) -> Result<Answer, ProbeError> {
    let name = exam.name(key)?;
    let keys: Vec<_> =
        exam.key.pairs().into_iter().map(|(name, value)| (title(name), wiped(value))).collect();
    let file = String::from_utf8_lossy(TRIAL);
    let form = Form::new(exam.client.endpoint(), &mut exam.signer, now(), &name, &keys, &file);
    exam.raw(Method::POST, &form.url, &form.headers, form.body.as_bytes()).await
}

fn wiped(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// `X-Amz-...`, as documentation spells it.
fn title(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        format!("{}{rest}", first.to_uppercase())
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_documentation_spells_them() {
        assert_eq!(title("x-amz-key-md5"), "X-Amz-Key-Md5");
    }
}
