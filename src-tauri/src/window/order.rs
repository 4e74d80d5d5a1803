use model::{Problem, Secret};

/// What the tray process tells a window, one line each, on the window's standard input.
#[derive(Debug)]
pub(crate) enum Order {
    /// The first line, and only there.
    Begin(Told),
    /// Come to the front.
    Raise,
    /// End.
    Close,
}

/// What a window is told when it begins.
#[derive(Debug)]
pub(crate) enum Told {
    /// The one-time secret that shows the engine whose window this is.
    Secret(Secret),
    /// Why there is no engine.
    Problem(Problem),
}

impl Order {
    /// The order as a line, with its end.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Begin(Told::Secret(secret)) => format!("secret {}\n", secret.expose()),
            Self::Begin(Told::Problem(problem)) => {
                format!("problem {}\n", serde_json::to_string(problem).unwrap_or_default())
            }
            Self::Raise => "raise\n".to_owned(),
            Self::Close => "close\n".to_owned(),
        }
    }

    /// The order in a line; `None` when it is none.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        match line.trim_end().split_once(' ') {
            None => match line.trim_end() {
                "raise" => Some(Self::Raise),
                "close" => Some(Self::Close),
                _ => None,
            },
            Some(("secret", secret)) => Some(Self::Begin(Told::Secret(Secret::new(secret)))),
            Some(("problem", json)) => Some(Self::Begin(Told::Problem(serde_json::from_str(json).ok()?))),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_the_way_as_a_line() {
        let secret = Order::Begin(Told::Secret(Secret::new("0a1b"))).line();
        assert!(matches!(Order::parse(&secret), Some(Order::Begin(Told::Secret(s))) if s.expose() == "0a1b"));
        let problem = Problem::new("engine.x", "First line.\nSecond line.", "Next.");
        let line = Order::Begin(Told::Problem(problem.clone())).line();
        assert_eq!(line.matches('\n').count(), 1, "a line end in a sentence must not end the line");
        assert!(matches!(Order::parse(&line), Some(Order::Begin(Told::Problem(p))) if p == problem));
        assert!(matches!(Order::parse("raise\n"), Some(Order::Raise)));
        assert!(matches!(Order::parse("close\n"), Some(Order::Close)));
    }

    #[test]
    fn what_is_no_order_is_ignored() {
        for line in ["", "\n", "open x\n", "problem {\n"] {
            assert!(Order::parse(line).is_none(), "{line:?}");
        }
    }
}
