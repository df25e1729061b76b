//! JSON objects, written field by field: a page loads all that is linked here, and a tree of values before the
//! text takes twice as much.

use serde_json::Value;

/// An object that is being written.
pub(super) struct Json(String);

impl Json {
    pub(super) fn object() -> Self {
        Self(String::from("{"))
    }

    /// As [`Json::object`], with a first field.
    #[inline(never)]
    pub(super) fn of(name: &str, text: &str) -> Self {
        let mut json = Self::object();
        json.text(name, text);
        json
    }

    #[inline(never)]
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.raw(name, &Value::from(text).to_string());
    }

    #[inline(never)]
    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.raw(name, &number.to_string());
    }

    pub(super) fn flag(&mut self, name: &str, is_set: bool) {
        self.raw(name, if is_set { "true" } else { "false" });
    }

    /// A field whose value is JSON.
    #[inline(never)]
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        for piece in ["\"", name, "\":", json] {
            self.0.push_str(piece);
        }
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
