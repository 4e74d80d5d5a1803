/// A decimal number, exactly: `42`, `42.0` and `4.2e1` are one, and so are no two of twenty digits that a
/// float would make one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    /// Without zeros at either end; none at all for zero.
    digits: String,
    /// How many zeros to put behind the digits; where negative, how many of them stand behind the point.
    exponent: i64,
}

impl Number {
    /// Reads what JSON takes for a number. `None` for anything else, and for an exponent nobody can mean.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
        let are_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole)
            || !fraction.is_none_or(are_digits)
            || (whole.len() > 1 && whole.starts_with('0'))
        {
            return None;
        }
        let power = match power {
            Some(power) => power.parse::<i32>().ok()?,
            None => 0,
        };
        let fraction = fraction.unwrap_or_default();
        let mut digits = format!("{whole}{fraction}");
        let zeros = digits.len() - digits.trim_end_matches('0').len();
        digits.truncate(digits.len() - zeros);
        digits.drain(..digits.len() - digits.trim_start_matches('0').len());
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let places = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
        Some(Self { negative, digits, exponent: i64::from(power) + places })
    }

    /// As an integer that JavaScript holds exactly; `None` for a fraction and for one beyond ±(2^53 − 1).
    pub(super) fn safe_integer(&self) -> Option<i64> {
        const MAX_SAFE: i64 = (1 << 53) - 1;
        if self.digits.is_empty() {
            return Some(0);
        }
        let size = i64::try_from(self.digits.len()).ok()?;
        // Sixteen digits fit an i64 with room to spare, and 2^53 has no more.
        if self.exponent < 0 || size + self.exponent > 16 {
            return None;
        }
        let value = self.digits.parse::<i64>().ok()? * 10_i64.pow(u32::try_from(self.exponent).ok()?);
        (value <= MAX_SAFE).then_some(if self.negative { -value } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_equal_when_they_are_worth_the_same() {
        for (a, b) in [
            ("42", "42.0"),
            ("42", "4.2e1"),
            ("-7", "-700E-2"),
            ("0", "-0.00e9"),
            ("1e400", "10e399"),
            ("0.1", "1e-1"),
        ] {
            assert_eq!(Number::parse(a).unwrap(), Number::parse(b).unwrap());
        }
        for (a, b) in [("42", "-42"), ("9007199254740993", "9007199254740992"), ("1", "10"), ("0.1", "0.01")]
        {
            assert_ne!(Number::parse(a).unwrap(), Number::parse(b).unwrap());
        }
    }

    #[test]
    fn what_json_takes_for_no_number_is_none() {
        for text in
            ["", "-", "+1", "042", ".5", "5.", "0x1a", "1e", "1e99999999999", "NaN", " 1", "1 ", "٣", "1_0"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_integer_is_safe_up_to_what_javascript_holds_exactly() {
        let safe = |text: &str| Number::parse(text).unwrap().safe_integer();
        assert_eq!(safe("9007199254740991"), Some(9_007_199_254_740_991));
        assert_eq!(safe("-9007199254740991.0"), Some(-9_007_199_254_740_991));
        assert_eq!(safe("1.5e1"), Some(15));
        for beyond in ["9007199254740992", "-9007199254740992", "1e16", "1e400", "1.5", "1e-400"] {
            assert_eq!(safe(beyond), None, "{beyond}");
        }
    }

    proptest! {
        #[test]
        fn any_integer_is_read_as_itself(n in -9_007_199_254_740_991_i64..=9_007_199_254_740_991) {
            prop_assert_eq!(Number::parse(&n.to_string()).unwrap().safe_integer(), Some(n));
            prop_assert_eq!(Number::parse(&format!("{n}.000e0")).unwrap().safe_integer(), Some(n));
        }

        #[test]
        fn what_is_a_number_to_us_is_one_to_json(text in "-?[0-9]{0,4}(\\.[0-9]{0,4})?([eE][+-]?[0-9]{0,2})?") {
            let json = serde_json::from_str::<serde_json::Number>(&text);
            prop_assert_eq!(Number::parse(&text).is_some(), json.is_ok());
        }
    }
}
