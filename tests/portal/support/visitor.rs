//! A person with a browser without a screen: fast, and able to send what no browser would.

use std::collections::HashMap;
use std::time::Duration;

use openidconnect::reqwest::blocking::{Client, Response};
use openidconnect::reqwest::redirect::Policy;
use openidconnect::reqwest::{self, Method};
use scraper::{ElementRef, Html, Selector};
use url::Url;

/// Keeps the cookies of each site apart, as browsers do. A clone is another tab.
#[derive(Clone)]
pub struct Visitor {
    origin: Url,
    http: Client,
    cookies: HashMap<(String, String), String>,
    /// The page from which the next form is sent.
    from: Option<String>,
}

/// What came back.
pub struct Page {
    /// Where it is, after every redirect.
    pub url: Url,
    /// Its status.
    pub status: u16,
    /// Where it leads, if redirects were not followed.
    pub location: Option<String>,
    /// Its source.
    pub body: String,
    /// What the main part shows, with single spaces.
    pub text: String,
}

/// A form of a page, as a browser would send it.
#[derive(Clone, Debug)]
pub struct Filled {
    /// Where it goes.
    pub action: String,
    /// Names and values in their order.
    pub pairs: Vec<(String, String)>,
    /// The page on which it stands; none for a browser that does not tell.
    pub from: Option<String>,
}

impl Visitor {
    /// Somebody who has not been here before.
    pub fn new(origin: &str) -> Visitor {
        let http = Client::builder().no_proxy().redirect(Policy::none());
        let http = http.timeout(Duration::from_secs(30)).build().expect("an HTTP client");
        Visitor {
            origin: Url::parse(origin).expect("an address"),
            http,
            cookies: HashMap::new(),
            from: None,
        }
    }

    /// Somebody who has signed in.
    pub fn signed_in(origin: &str, user: &str) -> Visitor {
        let mut visitor = Visitor::new(origin);
        let page = visitor.sign_in(user);
        assert_eq!((page.url.path(), page.status), ("/me", 200), "{user}: {}", page.text);
        visitor
    }

    /// Signs in and goes on to the own account.
    pub fn sign_in(&mut self, user: &str) -> Page {
        let page = self.open("/signin/go?next=%2Fme");
        if page.url.origin() == self.origin.origin() {
            return page;
        }
        let form = [("user", user), ("password", "secret")];
        self.try_go(Method::POST, page.url.as_str(), Some(&form)).expect("the provider answers")
    }

    /// The masked token of this session, good for any form.
    pub fn token(&mut self) -> String {
        self.open("/me").token()
    }

    /// Opens a page, and goes on to where it leads.
    pub fn open(&mut self, to: &str) -> Page {
        self.try_go(Method::GET, to, None).expect("an answer")
    }

    /// The answer to one request, whatever it is.
    pub fn ask(&mut self, method: Method, to: &str, form: Option<&[(&str, &str)]>) -> Page {
        self.try_ask(method, to, form).expect("an answer")
    }

    /// Sends a form, and goes on to where it leads.
    pub fn post(&mut self, to: &str, form: &[(&str, &str)]) -> Page {
        self.try_go(Method::POST, to, Some(form)).expect("an answer")
    }

    /// Sends a form that was filled in, and goes on to where it leads.
    pub fn send(&mut self, form: &Filled) -> Page {
        self.from.clone_from(&form.from);
        self.post(&form.action, &form.borrowed())
    }

    /// Goes there and on until a page.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn try_go(
        &mut self,
        method: Method,
        to: &str,
        form: Option<&[(&str, &str)]>,
    ) -> reqwest::Result<Page> {
        let mut page = self.try_ask(method, to, form)?;
        for _ in 0..20 {
            let Some(next) = &page.location else { return Ok(page) };
            let next = page.url.join(next).expect("an address");
            page = self.try_ask(Method::GET, next.as_str(), None)?;
        }
        panic!("{to} leads from one page to the next without an end");
    }

    /// The answer to one request.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn try_ask(
        &mut self,
        method: Method,
        to: &str,
        form: Option<&[(&str, &str)]>,
    ) -> reqwest::Result<Page> {
        let (url, answer) = self.send_request(method, to, form)?;
        Page::of(url, answer)
    }

    /// A file as it came.
    pub fn file(&mut self, to: &str) -> Vec<u8> {
        let (_, answer) = self.send_request(Method::GET, to, None).expect("an answer");
        assert_eq!(answer.status().as_u16(), 200, "{to}");
        answer.bytes().expect("a file").to_vec()
    }

    fn send_request(
        &mut self,
        method: Method,
        to: &str,
        form: Option<&[(&str, &str)]>,
    ) -> reqwest::Result<(Url, Response)> {
        let url = self.origin.join(to).expect("an address");
        let site = url.origin().ascii_serialization();
        let mine = self.cookies.iter().filter(|((other, _), _)| *other == site);
        let cookies: Vec<_> = mine.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = self.http.request(method.clone(), url.clone());
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if method == Method::POST {
            let body = serde_urlencoded::to_string(form.unwrap_or_default()).expect("a form");
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .header("origin", &site)
                .body(body);
            if let Some(from) = self.from.take() {
                request = request.header("referer", from);
            }
        }
        let answer = request.send()?;
        self.take_cookies(&site, &answer);
        Ok((url, answer))
    }

    fn take_cookies(&mut self, site: &str, answer: &Response) {
        for line in answer.headers().get_all("set-cookie") {
            let line = line.to_str().expect("a cookie");
            let (name, value) =
                line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            let key = (site.to_owned(), name.to_owned());
            if line.contains("Max-Age=0") || value.is_empty() {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }
}

impl Page {
    fn of(url: Url, answer: Response) -> reqwest::Result<Page> {
        let status = answer.status().as_u16();
        let location = answer.headers().get("location");
        let location = location.map(|to| to.to_str().expect("an address").to_owned());
        let body = answer.text()?;
        let text = {
            let html = Html::parse_document(&body);
            let main = selector("main");
            match html.select(&main).next() {
                Some(main) => flat(&main.text().collect::<Vec<_>>().join(" ")),
                None => flat(&body),
            }
        };
        Ok(Page { url, status, location, body, text })
    }

    /// Fails unless the page shows this.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Page {
        assert!(
            flat(&self.text).contains(&flat(words)),
            "{words:?} is not at {} ({}): {}",
            self.url,
            self.status,
            self.text
        );
        self
    }

    /// Fails unless it has this status.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Page {
        assert_eq!(self.status, status, "{}: {}", self.url, self.text);
        self
    }

    /// The masked token.
    #[track_caller]
    pub fn token(&self) -> String {
        self.value("csrf").unwrap_or_else(|| panic!("no token at {}: {}", self.url, self.text))
    }

    /// The value of the first field of this name.
    pub fn value(&self, name: &str) -> Option<String> {
        let html = Html::parse_document(&self.body);
        let field = selector(&format!("[name='{name}']"));
        let field = html.select(&field).next()?;
        Some(match field.value().name() {
            "textarea" => typed(field),
            _ => field.attr("value").unwrap_or_default().to_owned(),
        })
    }

    /// Where every link of the page leads.
    pub fn links(&self) -> Vec<String> {
        let html = Html::parse_document(&self.body);
        let all = selector("a[href]");
        html.select(&all).filter_map(|a| a.attr("href")).map(str::to_owned).collect()
    }

    /// Where the link of this text leads.
    #[track_caller]
    pub fn link(&self, text: &str) -> String {
        let html = Html::parse_document(&self.body);
        let all = selector("a[href]");
        let found = html.select(&all).find(|a| shown(*a) == text);
        let found = found.and_then(|a| a.attr("href")).map(str::to_owned);
        found.unwrap_or_else(|| panic!("no link {text:?} at {}: {}", self.url, self.text))
    }

    /// The form with the button of this text, pressed; what it holds is as it stands on the page.
    #[track_caller]
    pub fn form(&self, button: &str) -> Filled {
        let found = self.forms().into_iter().find(|(name, _)| name == button);
        let Some((_, form)) = found else {
            panic!("no button {button:?} at {}: {}", self.url, self.text)
        };
        form
    }

    /// Every button of every form that posts, by its text, with what it would send.
    pub fn forms(&self) -> Vec<(String, Filled)> {
        let html = Html::parse_document(&self.body);
        let (forms, buttons) = (selector("form[method=post]"), selector("button"));
        let mut all = Vec::new();
        for form in html.select(&forms) {
            let filled = filled(form, &self.url);
            for button in form.select(&buttons) {
                let mut filled = filled.clone();
                if let Some(to) = button.attr("formaction") {
                    filled.action = to.to_owned();
                }
                if let Some(name) = button.attr("name") {
                    filled.set(name, button.attr("value").unwrap_or_default());
                }
                all.push((shown(button), filled));
            }
        }
        all
    }
}

impl Filled {
    /// Writes into a field, or chooses an answer.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Filled {
        self.pairs.retain(|(other, _)| other != name);
        self.pairs.push((name.to_owned(), value.into()));
        self
    }

    /// The same as text.
    pub fn borrowed(&self) -> Vec<(&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

fn filled(form: ElementRef<'_>, url: &Url) -> Filled {
    let fields = selector("input[name], textarea[name], select[name]");
    let mut pairs = Vec::new();
    for field in form.select(&fields) {
        let name = field.attr("name").unwrap_or_default().to_owned();
        let value = match (field.value().name(), field.attr("type")) {
            ("textarea", _) => Some(typed(field)),
            ("select", _) => {
                let chosen = selector("option[selected]");
                let first = selector("option");
                let option = field.select(&chosen).next().or_else(|| field.select(&first).next());
                option.map(|option| option.attr("value").unwrap_or_default().to_owned())
            }
            (_, Some("radio" | "checkbox")) if field.attr("checked").is_none() => None,
            _ => Some(field.attr("value").unwrap_or_default().to_owned()),
        };
        pairs.extend(value.map(|value| (name, value)));
    }
    let action = form.attr("action").map_or_else(|| url.path().to_owned(), str::to_owned);
    Filled { action, pairs, from: Some(url.to_string()) }
}

/// What stands in a text area; HTML drops its first line end.
fn typed(area: ElementRef<'_>) -> String {
    area.text().collect()
}

fn shown(element: ElementRef<'_>) -> String {
    flat(&element.text().collect::<String>())
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("a selector")
}
