//! A served site for tests in the crate: real requests over a socket, a clock that stands until it is moved.

use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix_web::cookie::{Cookie, CookieJar};
use diesel::prelude::*;
use openidconnect::reqwest;
use reqwest::blocking::{Client, RequestBuilder};
use scraper::{Html, Selector};

use super::session::{self, NewSession};
use super::{Route, csrf};
use crate::db::schema::people;
use crate::db::{Database, load_actor};
use crate::kernel::time::Fixed;
use crate::kernel::{Kind, PersonId};
use crate::site::{Keys, SessionTimes, Site};

/// A site that answers on a port of its own until it is dropped.
pub(crate) struct House {
    pub site: Arc<Site>,
    /// Business and wall time.
    pub clock: Arc<Fixed>,
    base: String,
    handle: actix_web::dev::ServerHandle,
}

impl Drop for House {
    fn drop(&mut self) {
        // The command goes out at once; nobody needs to wait for it.
        drop(self.handle.stop(false));
    }
}

/// One house over each kind of database.
pub(crate) fn houses(tables: &[&'static [Route]]) -> Vec<House> {
    houses_with(tables, |_| {})
}

/// The same, with another site.
pub(crate) fn houses_with(tables: &[&'static [Route]], change: impl Fn(&mut Site)) -> Vec<House> {
    let databases = crate::db::testing::databases_apart();
    databases.into_iter().map(|(db, clock)| House::open(db, clock, tables, &change)).collect()
}

impl House {
    fn open(
        db: Database,
        clock: Arc<Fixed>,
        tables: &[&'static [Route]],
        change: &impl Fn(&mut Site),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let mut site = Site {
            db,
            organization: "Northmoor Instruments".into(),
            help: "Service desk, extension 4040".into(),
            public_url: base.parse().expect("an address"),
            keys: Keys::random(),
            sessions: SessionTimes::default(),
            secure: false,
            demo: false,
            proxies: vec![],
            limits: super::limit::Limits::default(),
            mailer: None,
            targets: Arc::default(),
            oidc: None,
            first_administrator: None,
            pack_key: None,
            controls: None,
        };
        change(&mut site);
        let (site, tables) = (Arc::new(site), tables.to_vec());
        let (told, handle) = mpsc::channel();
        let served = Arc::clone(&site);
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = super::serve(served, &tables, listener, 1).expect("a server");
                told.send(server.handle()).expect("the test waits");
                server.await.expect("a quiet end");
            });
        });
        let handle = handle.recv_timeout(Duration::from_secs(10)).expect("a server");
        Self { site, clock, base, handle }
    }

    /// Adds an enabled person.
    pub fn person(&self, name: &str) -> PersonId {
        let (id, name) = (PersonId::fresh(), name.to_owned());
        self.change(move |tx| {
            let now = tx.now();
            diesel::insert_into(people::table)
                .values((
                    people::id.eq(id),
                    people::source.eq("test"),
                    people::external_id.eq(id.to_string()),
                    people::name.eq(&name),
                    people::kind.eq(Kind::Member.as_str()),
                    people::attributes.eq("{}"),
                    people::administrator.eq(false),
                    people::auditor.eq(false),
                    people::enabled.eq(true),
                    people::search.eq(crate::kernel::text::folded(&name)),
                    people::rev.eq(0_i64),
                    people::created_at.eq(now),
                ))
                .execute(tx.db())?;
            Ok(())
        });
        id
    }

    /// Writes as the system.
    pub fn change<T: Send + 'static>(
        &self,
        f: impl Fn(&mut crate::db::Tx<'_>) -> crate::error::Result<T> + Send + Sync + 'static,
    ) -> T {
        self.site.db.write(crate::db::By::System("test"), f).expect("a write")
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser<'_> {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.timeout(Duration::from_secs(20)).build().expect("a client");
        Browser { house: self, client, cookies: vec![], token: String::new() }
    }

    /// A browser in which the person is signed in.
    pub fn signed_in(&self, person: PersonId) -> Browser<'_> {
        let mut browser = self.browser();
        browser.sign_in(person);
        browser
    }
}

/// A browser: keeps cookies, and the token of the last page's form.
pub(crate) struct Browser<'a> {
    house: &'a House,
    client: Client,
    pub cookies: Vec<(String, String)>,
    pub token: String,
}

/// What came back.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Browser<'_> {
    /// Signs the person in as the callback of the provider does.
    pub fn sign_in(&mut self, person: PersonId) {
        let site = &self.house.site;
        let actor = site
            .db
            .read(|db| load_actor(db, person, site.db.clocks().business.now()))
            .expect("a read")
            .expect("a person");
        let new = NewSession {
            person,
            csrf: csrf::fresh(),
            auth_time: site.db.clocks().wall.now(),
            id_token: None,
            roles: session::roles(&actor),
            draft: None,
            agent: None,
        };
        self.token = csrf::masked(&new.csrf);
        let times = site.sessions;
        let key = self.house.change(move |tx| session::begin(tx, &new, times));
        let name = site.cookie_name(session::COOKIE);
        let mut jar = CookieJar::new();
        jar.private_mut(&site.keys.cookies).add(Cookie::new(name, key));
        let cookie = jar.delta().next().expect("a cookie").encoded().to_string();
        self.keep(&cookie);
    }

    pub fn get(&mut self, path: &str) -> Answer {
        let request = self.request("GET", path);
        self.send(request)
    }

    /// Sends a form of this site, with the token of the last page.
    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut form = form.to_vec();
        let token = self.token.clone();
        form.push(("csrf", &token));
        self.post_bare(path, &form, |request| request.header("Sec-Fetch-Site", "same-origin"))
    }

    /// Sends a form as it is, with other headers.
    pub fn post_bare(
        &mut self,
        path: &str,
        form: &[(&str, &str)],
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let request = change(self.request("POST", path).form(form));
        self.send(request)
    }

    /// A request with this browser's cookies.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.house.base));
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        if cookies.is_empty() { request } else { request.header("Cookie", cookies.join("; ")) }
    }

    pub fn send(&mut self, request: RequestBuilder) -> Answer {
        let response = request.send().expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            self.keep(cookie.to_str().expect("text"));
        }
        let answer = Answer { status, headers, body: response.text().expect("text") };
        if let Some(token) = answer.value("input[name=csrf]") {
            self.token = token;
        }
        answer
    }

    fn keep(&mut self, set_cookie: &str) {
        let (name, value) = set_cookie.split_once('=').expect("a cookie");
        let value = value.split(';').next().unwrap_or("");
        self.cookies.retain(|(n, _)| n != name);
        if !value.is_empty() {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or(""))
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The texts of what the selector finds.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let found = Selector::parse(selector).expect("a selector");
        let text = |e: scraper::ElementRef<'_>| {
            e.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        Html::parse_document(&self.body).select(&found).map(text).collect()
    }

    /// An attribute of each of what the selector finds.
    pub fn attrs(&self, selector: &str, name: &str) -> Vec<String> {
        let found = Selector::parse(selector).expect("a selector");
        let page = Html::parse_document(&self.body);
        page.select(&found).filter_map(|e| e.value().attr(name).map(str::to_owned)).collect()
    }

    /// The names and values of the controls that the selector finds.
    pub fn pairs(&self, selector: &str) -> Vec<(String, String)> {
        let found = Selector::parse(selector).expect("a selector");
        let of = |e: scraper::ElementRef<'_>, name| e.value().attr(name).unwrap_or("").to_owned();
        let page = Html::parse_document(&self.body);
        page.select(&found).map(|e| (of(e, "name"), of(e, "value"))).collect()
    }

    /// The value of the first control that the selector finds.
    pub fn value(&self, selector: &str) -> Option<String> {
        let found = Selector::parse(selector).expect("a selector");
        let page = Html::parse_document(&self.body);
        page.select(&found).next()?.value().attr("value").map(str::to_owned)
    }
}
