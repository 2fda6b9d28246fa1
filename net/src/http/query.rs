//! Query strings and form bodies: `a=1&b[]=x&flag`, decoded, in order, names may repeat.

/// Arguments of a request.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Appends the arguments of a query string or form body. Bytes that are not UTF-8 after
    /// decoding become replacement characters, so they match nothing by accident.
    pub fn add(&mut self, text: &str) {
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            self.0.push((decode(name), decode(value)));
        }
    }

    /// Whether there is no argument.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of an argument: of several, the first counts.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }

    /// Adds the arguments of a form body, which go before those of the URL. Only an `extra_label`
    /// in the URL replaces the body's, so that a proxy can pin it.
    pub fn add_form(&mut self, mut form: Query) {
        let pinned = self.has("extra_label");
        form.0.retain(|(name, _)| !pinned || name != "extra_label");
        form.0.append(&mut self.0);
        *self = form;
    }

    /// The last value of an argument.
    pub fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }

    /// All values of some arguments, in order.
    pub fn all<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let wanted = |(name, _): &&(String, String)| names.contains(&&**name);
        self.0.iter().filter(wanted).map(|(_, value)| &**value)
    }

    /// Whether an argument is there at all, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

impl FromIterator<(String, String)> for Query {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(arguments: T) -> Query {
        Query(arguments.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_decoded_in_order() {
        let mut query = Query::default();
        query.add("match[]=a+b&match%5B%5D=c%26&summary&x=1&x=2");
        assert_eq!(query.all(&["match[]"]).collect::<Vec<_>>(), ["a b", "c&"]);
        assert_eq!(query.last("x"), Some("2"));
        assert!(query.has("summary") && !query.has("details"));
    }
}
