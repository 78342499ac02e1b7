//! Paths to a part of a configuration, so that an error points at the line to
//! blame.

use std::borrow::Cow;
use std::fmt;

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// An attribute of an object.
    Attribute(Cow<'static, str>),
    /// A key of a map.
    Key(String),
    /// A position in a list.
    Index(usize),
}

/// Where in a configuration something is, from the outside in.
///
/// Elements of sets have no address: a path ends at the set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
#[must_use]
pub struct Path(Vec<Step>);

impl Path {
    /// The path of a top-level attribute.
    pub fn attribute(name: impl Into<Cow<'static, str>>) -> Self {
        Self(vec![Step::Attribute(name.into())])
    }

    /// The whole configuration.
    pub fn root() -> Self {
        Self::default()
    }

    /// This path, one attribute deeper.
    pub fn then(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Step::Attribute(name.into()));
        self
    }

    /// This path, at a key of a map.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// This path, at a position of a list.
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// This path, seen from one step further outside.
    pub fn within(mut self, step: Step) -> Self {
        self.0.insert(0, step);
        self
    }

    /// Whether this is the whole configuration.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps from the outside in.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_terraforms_own() {
        let path = Path::attribute("labels").key("a \"b\"").index(2).then("x");
        assert_eq!(path.to_string(), r#"labels["a \"b\""][2].x"#);
        assert_eq!(Path::root().to_string(), "");
    }

    #[test]
    fn a_path_grows_at_both_ends() {
        let inner = Path::attribute("create");
        let path = inner.within(Step::Attribute("timeouts".into()));
        assert_eq!(path, Path::attribute("timeouts").then("create"));
        assert!(Path::root().is_root() && !path.is_root());
    }
}
