use super::site::{PASSWORD, Served};
use bellhop_tests::{Answer, Http};
use hyper::Method;
use std::collections::BTreeMap;
use url::{Url, form_urlencoded};

/// A person with a browser that runs no scripts: WordPress has a way for those too.
pub(super) struct Person {
    http: Http,
    cookies: BTreeMap<String, String>,
    /// The port on which php listens, whatever the address says.
    port: u16,
    secure: bool,
}

/// Where approving led to.
#[derive(Debug)]
pub(super) enum Approved {
    /// The browser was sent there.
    SentTo(String),
    /// The page refuses.
    Refused,
}

impl Person {
    /// Log in as `anna`.
    pub(super) async fn log_in(site: &Served) -> Self {
        let secure = site.url.starts_with("https:");
        let mut person = Self { http: Http::default(), cookies: BTreeMap::new(), port: site.port, secure };
        let page = format!("{}/wp-login.php", site.url);
        person.open(Method::GET, &page, &[]).await;
        let fields = [("log", "anna"), ("pwd", PASSWORD), ("testcookie", "1"), ("wp-submit", "Log In")];
        let answer = person.open(Method::POST, &page, &fields).await;
        let status = answer.status;
        assert_eq!(status, 302, "{}", answer.text().await);
        person
    }

    /// Open the page of a site where an app is approved, and press one of its buttons: `approve` or `reject`.
    pub(super) async fn press(&mut self, address: &str, button: &str) -> Approved {
        let page = self.open(Method::GET, address, &[]).await;
        let status = page.status;
        let html = page.text().await;
        if status != 200 {
            return Approved::Refused;
        }
        // The page has other forms too.
        let form = html.split("<form").find(|form| form.contains("authorize_application_password")).unwrap();
        let form = form.split("</form").next().unwrap();
        let inputs =
            form.split("<input").skip(1).filter_map(|input| input.split_once('>')).map(|(input, _)| input);
        let mut fields: Vec<(String, String)> = inputs
            .filter(|input| attribute(input, "type").as_deref() == Some("hidden"))
            .filter_map(|input| {
                Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default()))
            })
            .collect();
        let name = attribute(form.split("name=\"app_name\"").nth(1).unwrap_or_default(), "value");
        fields.extend(name.map(|name| ("app_name".to_owned(), name)));
        fields.push((button.to_owned(), "1".to_owned()));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let to = address.split('?').next().unwrap();
        let answer = self.open(Method::POST, to, &fields).await;
        if answer.status == 302 {
            return Approved::SentTo(answer.header("location").to_owned());
        }
        Approved::Refused
    }

    /// Follow where the browser was sent to.
    pub(super) async fn follow(&self, address: &str) -> Answer {
        self.http.get(address).await
    }

    async fn open(&mut self, method: Method, address: &str, fields: &[(&str, &str)]) -> Answer {
        let mut url = Url::parse(address).unwrap();
        let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        // TLS is not what this is about.
        url.set_scheme("http").unwrap();
        url.set_ip_host([127, 0, 0, 1].into()).unwrap();
        url.set_port(Some(self.port)).unwrap();
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("host", &*host), ("cookie", &*cookies)];
        if self.secure {
            headers.push(("x-forwarded-proto", "https"));
        }
        if method == Method::POST {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let answer = self.http.send(method, url.as_str(), &headers, body).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

/// An attribute of the element that this text begins in.
fn attribute(text: &str, name: &str) -> Option<String> {
    let element = text.split('>').next()?;
    let after = element.split_once(&format!("{name}="))?.1;
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let value = after[1..].split(quote).next()?;
    Some(value.replace("&#038;", "&").replace("&amp;", "&").replace("&#039;", "'"))
}
