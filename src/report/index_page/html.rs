//! Text that is safe inside a page.

use std::fmt;

/// Writes a text with everything that means something in HTML replaced.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

/// Writes a relative link: every byte that could end it or leave the folder scheme is percent-coded.
pub(super) struct Link<'a>(pub(super) &'a str);

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                    write!(f, "{}", char::from(byte))?;
                }
                other => write!(f, "%{other:02X}")?,
            }
        }
        Ok(())
    }
}

/// Writes a number with about three significant digits.
pub(super) struct Short(pub(super) f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        let decimals = if size >= 100.0 || size == 0.0 {
            0
        } else if size >= 10.0 {
            1
        } else if size >= 1.0 {
            2
        } else {
            3
        };
        write!(f, "{:.decimals$}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_page() {
        fn t(text: &str, html: &str, link: &str) {
            assert_eq!((Escaped(text).to_string(), Link(text).to_string()), (html.into(), link.into()));
        }
        t("a<b> & \"c\"", "a&lt;b&gt; &amp; &quot;c&quot;", "a%3Cb%3E%20%26%20%22c%22");
        t("javascript:x('y')", "javascript:x(&#39;y&#39;)", "javascript%3Ax%28%27y%27%29");
        t("slides/µ-1.png", "slides/µ-1.png", "slides/%C2%B5-1.png");
    }

    #[test]
    fn numbers_are_short() {
        fn t(value: f64, expected: &str) {
            assert_eq!(Short(value).to_string(), expected);
        }
        t(0.0, "0");
        t(0.1234, "0.123");
        t(1.234, "1.23");
        t(12.34, "12.3");
        t(1234.5, "1234");
    }
}
