use crate::{
    address::is_loopback,
    http::{Ask, Guarded},
};
use url::Url;

/// The first WordPress that sends an answer to a literal loopback address by http.
const SINCE: u32 = 7;
/// A style sheet of the page where people log in. WordPress puts its version behind it.
const SHEETS: [&str; 2] = ["/login.min.css?ver=", "/login.css?ver="];

/// Whether the page where a person approves sends its answer to a port of this computer.
///
/// Before 7.0 it does only on a site of the environment type `local`, and refuses the whole request otherwise. Where
/// passwords are made over http, the type is `local`. Of others the version is read from the page where the person
/// logs in first; a site that hides it is taken for an older one, since the person can paste the password there.
pub(super) async fn answers_loopback(web: &Guarded, page: &Url) -> bool {
    if page.scheme() == "http" && is_loopback(page) {
        return true;
    }
    let Ok(answer) = web.follow(Ask::get(page.clone()).accept("text/html")).await else { return false };
    major(&String::from_utf8_lossy(&answer.body)).is_some_and(|major| major >= SINCE)
}

fn major(html: &str) -> Option<u32> {
    let version = SHEETS.iter().find_map(|sheet| html.split_once(sheet))?.1;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_page_where_people_log_in() {
        let page = |version: &str| {
            format!(
                "<link rel='stylesheet' href='https://a.example/wp-admin/css/login.min.css?ver={version}'>"
            )
        };
        assert_eq!(major(&page("6.1.9")), Some(6));
        assert_eq!(major(&page("7.0-beta2")), Some(7));
        assert_eq!(major(&page("")), None);
        assert_eq!(major("<html>"), None);
    }
}
