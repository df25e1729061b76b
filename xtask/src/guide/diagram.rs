//! Drawings of who says what to whom, made from text: SVG inside of the page, in its colours.
//!
//! ```text
//! you -> gateway: PUT, with the key
//! gateway -> you: 200, and the key's MD5
//! you: compares, or takes it back
//! ```

use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;

/// Pixels between two columns, rows, and of one character.
const COLUMN: usize = 250;
const ROW: usize = 46;
const TOP: usize = 44;

/// A line of the drawing.
#[derive(Debug, PartialEq)]
enum Step<'t> {
    /// From, to, what.
    Message(&'t str, &'t str, &'t str),
    /// Who, what they do.
    Deed(&'t str, &'t str),
}

/// Puts drawings in the place of the blocks of text that describe them.
pub(super) fn draw_all(markdown: &str) -> Result<String> {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once("```diagram\n") {
        let (steps, behind) = after.split_once("```").context("a drawing without an end")?;
        text.push_str(before);
        text += &draw(steps)?;
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

fn draw(text: &str) -> Result<String> {
    let steps: Vec<_> = text.lines().map(step).collect::<Result<_>>()?;
    let mut actors: Vec<&str> = Vec::new();
    for step in &steps {
        let (Step::Message(a, ..) | Step::Deed(a, _)) = step;
        let b = if let Step::Message(_, b, _) = step { b } else { a };
        for actor in [a, b] {
            if !actors.contains(actor) {
                actors.push(actor);
            }
        }
    }
    ensure!(!actors.is_empty(), "a drawing without a line");
    let column =
        |actor: &str| COLUMN / 2 + COLUMN * actors.iter().position(|a| *a == actor).unwrap_or(0);
    let (width, height) = (COLUMN * actors.len(), TOP + ROW * (steps.len() + 1));
    // No empty line inside: for Markdown it would end the drawing.
    let mut svg = format!(
        "<svg class=\"diagram\" role=\"img\" viewBox=\"0 0 {width} {height}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>{}</title>\n",
        escape(text.trim())
    );
    for actor in &actors {
        let x = column(actor);
        let _ = writeln!(
            svg,
            "<line class=\"life\" x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{height}\"/>"
        );
        let _ = writeln!(svg, "<text class=\"actor\" x=\"{x}\" y=\"26\">{}</text>", escape(actor));
    }
    for (index, step) in steps.iter().enumerate() {
        let y = TOP + ROW * (index + 1);
        svg += &match step {
            Step::Message(from, to, what) => arrow(column(from), column(to), y, what),
            Step::Deed(who, what) => deed(column(who), y, what),
        };
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn step(line: &str) -> Result<Step<'_>> {
    let (who, what) = line.split_once(": ").with_context(|| format!("no `: ` in {line:?}"))?;
    Ok(match who.split_once(" -> ") {
        Some((from, to)) => Step::Message(from.trim(), to.trim(), what.trim()),
        None => Step::Deed(who.trim(), what.trim()),
    })
}

fn arrow(from: usize, to: usize, y: usize, what: &str) -> String {
    let (tip, back) = if to > from { (to - 2, to - 10) } else { (to + 2, to + 10) };
    let (high, low) = (y - 4, y + 4);
    format!(
        "<line x1=\"{from}\" y1=\"{y}\" x2=\"{tip}\" y2=\"{y}\"/>\
         <path d=\"M{back} {high} L{tip} {y} L{back} {low}\"/>\
         <text x=\"{}\" y=\"{}\">{}</text>\n",
        usize::midpoint(from, to),
        y - 8,
        escape(what)
    )
}

fn deed(x: usize, y: usize, what: &str) -> String {
    let width = (what.chars().count() * 7 + 20).min(COLUMN - 10);
    let (left, top) = (x.saturating_sub(width / 2), y - 26);
    format!(
        "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"30\" rx=\"4\"/>\
         <text x=\"{x}\" y=\"{}\">{}</text>\n",
        y - 7,
        escape(what)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_takes_the_place_of_its_text() {
        let text = "before\n\n```diagram\nyou -> gateway: PUT <key>\ngateway -> you: 200\nyou: compares\n```\n\nafter\n";
        let drawn = draw_all(text).unwrap();
        assert!(
            drawn.starts_with("before\n\n<svg") && drawn.ends_with("</svg>\n\n\nafter\n"),
            "{drawn}"
        );
        assert!(drawn.contains("PUT &lt;key&gt;") && drawn.contains("<rect"), "{drawn}");
        let svg = &drawn[drawn.find("<svg").unwrap()..drawn.find("</svg>").unwrap()];
        assert!(!svg.contains("\n\n"), "an empty line ends a block of HTML");
    }

    #[test]
    fn a_line_that_says_nothing_is_refused() {
        assert!(draw_all("```diagram\nyou\n```\n").is_err());
        assert!(draw_all("```diagram\nyou: waits\n").is_err());
        assert_eq!(draw_all("no drawing").unwrap(), "no drawing");
    }
}
