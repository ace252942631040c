//! Signing in at a real provider, and everything that may go wrong on the way.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use diesel::prelude::*;
use keyholder::app::Application;
use keyholder::db::schema::{facts, people, sessions};
use keyholder::db::{Address, By, Database, migrate};
use keyholder::kernel::time::{Shifted, System};
use keyholder::kernel::{Clock, Clocks, PersonId, Secret, Zone};
use keyholder::signin;
use keyholder::signin::oidc::{Oidc, Settings};
use keyholder::site::{Keys, SessionTimes, Site};
use keyholder::web::limit::Limits;
use openidconnect::reqwest::blocking::{Client, Response};
use openidconnect::reqwest::redirect::Policy;
use scraper::{Html, Selector};
use serde_json::{Value, json};
use url::Url;

use crate::support::browser::{Browser, Window};
use crate::support::database::FreshDatabase;
use crate::support::provider::{CLIENT_ID, CLIENT_SECRET, Provider};

/// A portal that asks this provider, with nobody in its directory.
struct Portal {
    origin: String,
    db: Database,
    wall: Arc<Shifted>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    _data: FreshDatabase,
}

impl Portal {
    fn start(provider: &Provider, claim: &str, first: Option<&str>) -> Option<Portal> {
        let data = FreshDatabase::fresh()?;
        let address = Address::parse(data.url()).expect("an address");
        migrate::migrate(&address).expect("the schema");
        let wall = Arc::new(Shifted::default());
        let clocks = Clocks { business: Arc::new(System), wall: wall.clone() };
        let db = Database::open(&address, clocks, Zone::UTC).expect("a database");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let public_url = Url::parse(&origin).unwrap();
        let at = |path: &str| public_url.join(path).unwrap();
        let settings = Settings {
            issuer: provider.issuer.clone(),
            client_id: CLIENT_ID.into(),
            client_secret: Some(Secret::new(CLIENT_SECRET)),
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            person_claim: claim.into(),
            ca: None,
        };
        let (back, bye) = (at(signin::pages::CALLBACK), at(signin::pages::SIGN_IN));
        provider.let_back_to(back.as_str(), bye.as_str());
        let clock: Arc<dyn Clock> = wall.clone();
        let site = Arc::new(Site {
            db: db.clone(),
            organization: "Northmoor Instruments".into(),
            help: "the service desk, phone 100".into(),
            public_url,
            keys: Keys::random(),
            sessions: SessionTimes::default(),
            secure: false,
            demo: false,
            proxies: vec![],
            limits: Limits::default(),
            mailer: None,
            targets: Arc::default(),
            oidc: Some(Arc::new(Oidc::new(settings, back, clock).expect("good settings"))),
            first_administrator: first.map(str::to_owned),
            pack_key: None,
            controls: None,
        });
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let app = Application::build(site, listener, 1, false).expect("a server");
                sender.send(app.handle()).unwrap();
                app.run().await.unwrap();
            });
        });
        let handle = receiver.recv().expect("it serves");
        Some(Portal { origin, db, wall, handle, thread: Some(thread), _data: data })
    }

    /// Adds somebody to the directory.
    fn add(&self, key: &str, enabled: bool) -> PersonId {
        let (id, key) = (PersonId::fresh(), key.to_owned());
        let name = format!("{}{} of Northmoor", key[..1].to_uppercase(), &key[1..]);
        let add = move |tx: &mut keyholder::db::Tx<'_>| {
            let row = (
                people::id.eq(id),
                people::source.eq("csv"),
                people::external_id.eq(&key),
                people::name.eq(&name),
                people::mail.eq(format!("{key}@example.test")),
                people::kind.eq("member"),
                people::attributes.eq("{}"),
                people::administrator.eq(false),
                people::auditor.eq(false),
                people::enabled.eq(enabled),
                people::search.eq(""),
                people::rev.eq(1),
                people::created_at.eq(tx.now()),
            );
            diesel::insert_into(people::table).values(row).execute(tx.db())?;
            Ok(id)
        };
        self.db.write(By::System("test"), add).expect("a person")
    }

    /// What has been recorded: kind, whom it concerns.
    fn facts(&self) -> Vec<(String, Option<PersonId>)> {
        let read = |db: &mut keyholder::db::Db| {
            let all = facts::table.order((facts::at, facts::id));
            Ok(all.select((facts::kind, facts::person_id)).load(db)?)
        };
        self.db.read(read).expect("facts")
    }

    fn kinds(&self) -> Vec<String> {
        self.facts().into_iter().map(|(kind, _)| kind).collect()
    }

    /// Rows of people and of sessions.
    fn rows(&self) -> (i64, i64) {
        let read = |db: &mut keyholder::db::Db| {
            Ok((people::table.count().get_result(db)?, sessions::table.count().get_result(db)?))
        };
        self.db.read(read).expect("counts")
    }

    fn is_administrator(&self, id: PersonId) -> bool {
        let row = people::table.find(id).select(people::administrator);
        self.db.read(|db| Ok(row.first(db)?)).expect("a person")
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A page as the visitor sees it.
struct Page {
    url: Url,
    status: u16,
    html: Html,
    text: String,
}

impl Page {
    fn of(url: Url, answer: Response) -> Page {
        let status = answer.status().as_u16();
        let body = answer.text().unwrap();
        let html = Html::parse_document(&body);
        let main = Selector::parse("main").unwrap();
        let text = match html.select(&main).next() {
            Some(main) => main.text().collect::<Vec<_>>().join(" "),
            None => body,
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Page { url, status, html, text }
    }

    /// Where the link of this name leads.
    fn link(&self, name: &str) -> Option<String> {
        let links = Selector::parse("main a").unwrap();
        let mut found = self.html.select(&links).filter(|a| a.text().collect::<String>() == name);
        found.next().and_then(|a| a.attr("href")).map(str::to_owned)
    }

    fn token(&self) -> String {
        let field = Selector::parse("input[name=csrf]").unwrap();
        let field = self.html.select(&field).next().expect("a form with a token");
        field.attr("value").unwrap().to_owned()
    }

    #[track_caller]
    fn says(&self, words: &str) {
        assert!(self.text.contains(words), "{words:?} is not in {:?}", self.text);
    }
}

/// A person with a browser without a screen, who keeps the cookies of each site apart.
struct Visitor<'a> {
    portal: &'a Portal,
    http: Client,
    cookies: HashMap<(String, String), String>,
}

impl<'a> Visitor<'a> {
    fn new(portal: &'a Portal) -> Visitor<'a> {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Visitor { portal, http, cookies: HashMap::new() }
    }

    fn send(&mut self, url: &Url, form: Option<&str>) -> Response {
        let site = url.origin().ascii_serialization();
        let mine = self.cookies.iter().filter(|((other, _), _)| *other == site);
        let cookies: Vec<_> = mine.map(|((_, name), value)| format!("{name}={value}")).collect();
        let request = match form {
            Some(form) => self.http.post(url.clone()).body(form.to_owned()),
            None => self.http.get(url.clone()),
        };
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.header("cookie", cookies.join("; ")).send().unwrap();
        for line in answer.headers().get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let key = (site.clone(), name.to_owned());
            if line.contains("Max-Age=0") || value.is_empty() {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
        answer
    }

    /// Goes there, and on until a page.
    fn go(&mut self, to: &str, form: Option<&str>) -> Page {
        let mut url = Url::parse(&self.portal.origin).unwrap().join(to).unwrap();
        let mut form = form;
        loop {
            let answer = self.send(&url, form.take());
            match answer.headers().get("location") {
                Some(next) => url = url.join(next.to_str().unwrap()).unwrap(),
                None => return Page::of(url, answer),
            }
        }
    }

    fn open(&mut self, to: &str) -> Page {
        self.go(to, None)
    }

    /// Signs in and goes on to `next`; the provider may know the person already.
    fn sign_in_to(&mut self, user: &str, next: &str) -> Page {
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = self.open(&format!("/signin/go?next={next}"));
        if page.url.as_str().starts_with(&self.portal.origin) {
            return page;
        }
        let form = format!("user={user}&password=secret");
        self.go(page.url.as_str(), Some(&form))
    }

    fn sign_in(&mut self, user: &str) -> Page {
        self.sign_in_to(user, "/me")
    }

    fn is_signed_in(&mut self) -> bool {
        self.open("/me").url.path() == "/me"
    }

    /// The portal's cookie of this name.
    fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.get(&(self.portal.origin.clone(), name.to_owned())).cloned()
    }

    fn set_cookie(&mut self, name: &str, value: &str) {
        let key = (self.portal.origin.clone(), name.to_owned());
        self.cookies.insert(key, value.to_owned());
    }
}

fn user(id: &str) -> Value {
    json!({ "id": id, "password": "secret", "name": format!("{id} of the provider"),
        "email": format!("{id}@example.test"), "email_verified": true })
}

fn house(users: &[&str], claim: &str, first: Option<&str>) -> Option<(Provider, Portal)> {
    let users: Vec<Value> = users.iter().map(|id| user(id)).collect();
    let provider = Provider::start(&users)?;
    let portal = Portal::start(&provider, claim, first)?;
    Some((provider, portal))
}

#[test]
fn a_person_of_the_directory_signs_in_and_goes_on_to_the_page_they_wanted() {
    let Some((_provider, portal)) = house(&["ada"], "sub", None) else { return };
    let ada = portal.add("ada", true);
    let mut visitor = Visitor::new(&portal);
    let page = visitor.open("/me");
    assert_eq!((page.url.path(), page.status), ("/signin", 200));
    page.says("Then you go on to the page you wanted.");
    let go = page.link("Sign in").expect("the one link");
    let form = "user=ada&password=secret";
    let provider = visitor.open(&go);
    let page = visitor.go(provider.url.as_str(), Some(form));
    assert_eq!((page.url.path(), page.status), ("/me", 200));
    page.says("Ada of Northmoor");
    page.says("You have this session and no other.");
    let both = [("first_sign_in".to_owned(), Some(ada)), ("signed_in".to_owned(), Some(ada))];
    assert_eq!(portal.facts(), both);
    assert_eq!(visitor.cookie("attempt"), None, "the attempt is used up");
    assert_eq!(visitor.open("/signin?next=/me").url.path(), "/me");

    Visitor::new(&portal).sign_in("ada").says("End all other sessions");
    assert_eq!(portal.kinds(), ["first_sign_in", "signed_in", "signed_in"]);
}

#[test]
fn a_token_that_is_not_for_this_attempt_signs_nobody_in() {
    let Some((provider, portal)) = house(&["ada"], "sub", None) else { return };
    portal.add("ada", true);
    let faults = [
        "wrong_nonce",
        "no_nonce",
        "wrong_aud",
        "wrong_iss",
        "bad_sig",
        "alg_none",
        "expired",
        "no_sub",
        "no_id_token",
        "garbage",
    ];
    for fault in faults {
        provider.set_fault(fault);
        let mut visitor = Visitor::new(&portal);
        let page = visitor.sign_in("ada");
        assert_eq!((page.url.path(), page.status), ("/signin/callback", 403), "{fault}");
        page.says("You are not signed in");
        page.says("could not be trusted");
        for detail in ["nonce", "audience", "issuer", "signature", "another", "claims"] {
            assert!(!page.text.contains(detail), "{fault}: {:?}", page.text);
        }
        assert!(!visitor.is_signed_in(), "{fault}");
        provider.clear_fault();
        let again = page.link("Try again").expect("a way on");
        assert_eq!(visitor.open(&again).url.path(), "/me", "{fault}: trying again works");
    }
    assert_eq!(portal.rows().1, faults.len() as i64, "only those who tried again have sessions");
}

#[test]
fn the_provider_is_down_and_comes_back() {
    let Some((provider, portal)) = house(&["ada"], "sub", None) else { return };
    portal.add("ada", true);
    let mut visitor = Visitor::new(&portal);
    provider.stop();
    let page = visitor.sign_in("ada");
    assert_eq!((page.url.path(), page.status), ("/signin/go", 503));
    page.says("Nobody can sign in right now");
    let again = page.link("Try again").expect("a way on");
    assert_eq!(visitor.open(&again).status, 503);
    provider.start_again();
    let form = visitor.open(&again).url;
    provider.set_fault("http500");
    let page = visitor.go(form.as_str(), Some("user=ada&password=secret"));
    assert_eq!((page.url.path(), page.status), ("/signin/callback", 503));
    provider.clear_fault();
    assert_eq!(visitor.open(&page.link("Try again").unwrap()).url.path(), "/me");
}

#[test]
fn the_provider_signs_with_new_keys() {
    let Some((provider, portal)) = house(&["ada"], "sub", None) else { return };
    portal.add("ada", true);
    assert_eq!(Visitor::new(&portal).sign_in("ada").url.path(), "/me");
    provider.rotate(false);
    assert_eq!(Visitor::new(&portal).sign_in("ada").status, 403, "not more than once a minute");
    portal.wall.advance(61);
    assert_eq!(Visitor::new(&portal).sign_in("ada").url.path(), "/me");
}

#[test]
fn e21_another_account_of_the_same_person_is_refused_and_audited() {
    let Some((provider, portal)) = house(&["ada"], "email", None) else { return };
    let ada = portal.add("ada", true);
    assert_eq!(Visitor::new(&portal).sign_in("ada").url.path(), "/me");
    provider.set_fault("other_sub");
    let mut visitor = Visitor::new(&portal);
    let page = visitor.sign_in("ada");
    assert_eq!(page.status, 403);
    page.says("This is not the account you signed in with before");
    page.says("the service desk, phone 100");
    assert!(!visitor.is_signed_in());
    assert_eq!(portal.facts().last(), Some(&("sign_in_refused".to_owned(), Some(ada))));
    provider.clear_fault();
    assert_eq!(
        Visitor::new(&portal).sign_in("ada").url.path(),
        "/me",
        "the first one still is hers"
    );
}

#[test]
fn somebody_who_has_left_is_refused_in_words() {
    let Some((_provider, portal)) = house(&["ada"], "sub", None) else { return };
    let ada = portal.add("ada", false);
    let page = Visitor::new(&portal).sign_in("ada");
    assert_eq!(page.status, 403);
    page.says("Your account is closed");
    assert_eq!(portal.facts(), [("sign_in_refused".to_owned(), Some(ada))]);
    assert_eq!(portal.rows(), (1, 0));
}

#[test]
fn a_stranger_reads_what_was_tried_and_whom_to_ask_and_leaves_nothing_behind() {
    let Some((_provider, portal)) = house(&["eve"], "sub", Some("somebody")) else { return };
    portal.add("ada", true);
    let mut visitor = Visitor::new(&portal);
    let page = visitor.sign_in("eve");
    assert_eq!(page.status, 403);
    page.says("Keyholder does not know you");
    page.says("“eve” (eve@example.test)");
    page.says("the service desk, phone 100");
    assert!(!visitor.is_signed_in());
    assert_eq!((portal.rows(), portal.kinds().len()), ((1, 0), 0));
    let out = page.link("Sign out at 127.0.0.1, to sign in as somebody else").expect("a way on");
    assert_eq!(visitor.open(&out).url.path(), "/signin");
    assert!(!visitor.open("/signin/go").url.as_str().starts_with(&portal.origin), "asks again");
}

#[test]
fn only_a_verified_mail_address_finds_somebody() {
    let Some((provider, portal)) = house(&["x1"], "sub", None) else { return };
    portal.add("ada", true);
    provider.set_user(&json!({ "id": "x1", "email": "Ada@Example.test", "email_verified": false }));
    assert_eq!(Visitor::new(&portal).sign_in("x1").status, 403);
    provider.set_user(&json!({ "id": "x1", "email_verified": true }));
    Visitor::new(&portal).sign_in("x1").says("Ada of Northmoor");
}

#[test]
fn two_people_of_the_same_mail_address_are_nobody() {
    let Some((provider, portal)) = house(&["x1"], "sub", None) else { return };
    portal.add("ada", true);
    let ben = portal.add("ben", true);
    let same = move |tx: &mut keyholder::db::Tx<'_>| {
        let row = diesel::update(people::table.find(ben));
        Ok(row.set(people::mail.eq("ada@example.test")).execute(tx.db())?)
    };
    portal.db.write(By::System("test"), same).unwrap();
    provider.set_user(&json!({ "id": "x1", "email": "ada@example.test" }));
    let page = Visitor::new(&portal).sign_in("x1");
    assert_eq!(page.status, 403);
    page.says("Keyholder cannot tell who you are");
    assert!(portal.kinds().is_empty());
}

#[test]
fn e21_the_first_administrator_is_made_once_and_only_while_there_is_none() {
    let Some((_provider, portal)) = house(&["root", "ada"], "sub", Some("root")) else { return };
    let ada = portal.add("ada", true);
    let mut visitor = Visitor::new(&portal);
    visitor.sign_in("ada").says("None beyond what everybody may");
    assert!(!portal.is_administrator(ada));
    visitor = Visitor::new(&portal);
    let page = visitor.sign_in("root");
    page.says("root of the provider");
    page.says("Administrator");
    let kinds = portal.kinds();
    let made = ["person_joined", "global_role_granted", "first_sign_in", "signed_in"];
    assert_eq!(kinds[2..], made);
    Visitor::new(&portal).sign_in("root").says("Administrator");
    assert_eq!(portal.kinds().len(), kinds.len() + 1, "nothing but the sign-in");
    assert_eq!(portal.rows().0, 2);
}

#[test]
fn e21_with_an_administrator_the_configured_one_is_like_everybody() {
    let Some((_provider, portal)) = house(&["root", "eve"], "sub", Some("root")) else { return };
    let (ada, root) = (portal.add("ada", true), portal.add("root", true));
    let appoint = move |tx: &mut keyholder::db::Tx<'_>| {
        let row = diesel::update(people::table.find(ada));
        Ok(row.set(people::administrator.eq(true)).execute(tx.db())?)
    };
    portal.db.write(By::System("test"), appoint).unwrap();
    Visitor::new(&portal).sign_in("root").says("None beyond what everybody may");
    assert!(!portal.is_administrator(root));
}

#[test]
fn signing_out_ends_the_session_here_and_leads_on_to_the_provider() {
    let Some((_provider, portal)) = house(&["ada"], "sub", None) else { return };
    portal.add("ada", true);
    let mut visitor = Visitor::new(&portal);
    let token = visitor.sign_in("ada").token();
    let old = visitor.cookie("keyholder").unwrap();
    let refused = visitor.go("/signout", Some("csrf=forged"));
    assert_eq!((refused.status, visitor.is_signed_in()), (403, true));
    let page = visitor.go("/signout", Some(&format!("csrf={token}")));
    assert_eq!(page.status, 200);
    page.says("You are signed out here");
    let out = page.link("Sign out at 127.0.0.1 too").expect("the provider's page");
    assert_eq!(visitor.cookie("keyholder"), None);
    visitor.set_cookie("keyholder", &old);
    assert!(!visitor.is_signed_in(), "the row has ended, not only the cookie");
    assert_eq!(visitor.open(&out).url.path(), "/signin");
    let asked = visitor.open("/signin/go");
    assert!(!asked.url.as_str().starts_with(&portal.origin), "the provider asks again");
}

#[test]
fn signing_out_everywhere_ends_all_sessions() {
    let Some((_provider, portal)) = house(&["ada", "ben"], "sub", None) else { return };
    portal.add("ada", true);
    portal.add("ben", true);
    let (mut here, mut there) = (Visitor::new(&portal), Visitor::new(&portal));
    let mut other = Visitor::new(&portal);
    other.sign_in("ben");
    there.sign_in("ada");
    let token = here.sign_in("ada").token();
    let page = here.go("/me/signout-everywhere", Some(&format!("csrf={token}")));
    page.says("You are signed out everywhere");
    page.says("2 sessions have ended");
    assert!(!here.is_signed_in() && !there.is_signed_in());
    assert!(other.is_signed_in());
    assert_eq!(portal.kinds().last().unwrap(), "signed_out_everywhere");
}

#[test]
fn e22_the_way_back_never_leads_to_another_site() {
    let Some((_provider, portal)) = house(&["ada"], "sub", None) else { return };
    portal.add("ada", true);
    for next in ["//evil.example/", "/\\evil.example", "https://evil.example", "/%2fevil.example"] {
        let page = Visitor::new(&portal).sign_in_to("ada", next);
        assert!(page.url.as_str().starts_with(&portal.origin), "{next}: {}", page.url);
        assert_eq!(page.url.path(), "/", "{next}");
        assert_eq!(
            Visitor::new(&portal).open(&format!("/signin?next={next}")).link("Sign in"),
            Some("/signin/go".to_owned()),
            "{next}"
        );
    }
    let page = Visitor::new(&portal).sign_in_to("ada", "/me?a=1%202&b=ø");
    assert_eq!((page.url.path(), page.url.query()), ("/me", Some("a=1%202&b=%C3%B8")));
}

#[test]
fn e23_a_sign_in_makes_a_new_session_id_and_nothing_for_visitors() {
    let Some((_provider, portal)) = house(&["ada"], "sub", None) else { return };
    portal.add("ada", true);
    let mut visitor = Visitor::new(&portal);
    visitor.open("/signin");
    visitor.open("/signin/go");
    assert_eq!((portal.rows().1, visitor.cookie("keyholder")), (0, None));
    let planted = "a-session-that-somebody-else-made-up";
    visitor.set_cookie("keyholder", planted);
    let token = visitor.sign_in("ada").token();
    let first = visitor.cookie("keyholder").unwrap();
    assert_ne!(first, planted);
    visitor.go("/signout", Some(&format!("csrf={token}")));
    visitor.set_cookie("keyholder", &first);
    visitor.sign_in("ada");
    assert_ne!(visitor.cookie("keyholder").unwrap(), first);
    let mut thief = Visitor::new(&portal);
    thief.set_cookie("keyholder", &first);
    assert!(!thief.is_signed_in());
}

#[test]
fn an_answer_that_nobody_asked_for_is_stale() {
    let Some((_provider, portal)) = house(&["ada"], "sub", None) else { return };
    portal.add("ada", true);
    let mut visitor = Visitor::new(&portal);
    let page = visitor.open("/signin/callback?code=x&state=y");
    assert_eq!(page.status, 400);
    page.says("That sign-in is over");
    let asked = visitor.open("/signin/go?next=/me");
    assert_eq!(visitor.open("/signin/callback?code=x&state=y").status, 400);
    let page = visitor.go(asked.url.as_str(), Some("user=ada&password=secret"));
    assert_eq!(page.url.path(), "/me", "the true attempt is still under way");
    assert_eq!(visitor.open("/signin/callback?code=x&state=y").url.path(), "/");
}

#[test]
fn a_person_who_refuses_at_the_provider_comes_back_to_words() {
    let Some((_provider, portal)) = house(&["ada"], "sub", None) else { return };
    let mut visitor = Visitor::new(&portal);
    let asked = visitor.open("/signin/go");
    let page = visitor.go(asked.url.as_str(), Some("refuse="));
    assert_eq!((page.url.path(), page.status), ("/signin/callback", 403));
    page.says("canceled or refused");
}

#[test]
fn a_colleague_has_no_page_for_those_who_may_not_see_it() {
    let Some((_provider, portal)) = house(&["ada"], "sub", None) else { return };
    let (ada, ben) = (portal.add("ada", true), portal.add("ben", true));
    let mut visitor = Visitor::new(&portal);
    visitor.sign_in("ada");
    let page = visitor.open(&format!("/people/{ada}"));
    assert_eq!(page.status, 200);
    page.says("You hold no access package");
    page.says("Ada of Northmoor signed in");
    assert_eq!(visitor.open(&format!("/people/{ben}")).status, 404);
    assert_eq!(visitor.open(&format!("/people/{}", PersonId::fresh())).status, 404);
    assert_eq!(visitor.open("/people/nobody").status, 404);
}

/// Every page of this slice, with whoever is at the browser now.
fn holds_up(browser: &Browser, name: &str) {
    browser.axe_clean();
    assert!(!browser.sideways(), "{name} scrolls sideways");
}

#[test]
fn the_pages_are_accessible_and_fit_a_small_telephone() {
    let Some((provider, portal)) = house(&["ada", "eve"], "sub", None) else { return };
    let ada = portal.add("ada", true);
    for (width, dark) in [(1366, false), (320, true)] {
        let window = Window { width, height: 768, dark };
        let Some(browser) = Browser::open_as(true, window) else { return };
        let at = |path: &str| format!("{}{path}", portal.origin);
        browser.goto(&at("/me"));
        holds_up(&browser, "sign in");
        browser.click("link", "Sign in");
        browser.fill("User", "eve");
        browser.fill("Password", "secret");
        browser.click("button", "Sign in");
        browser.see("Keyholder does not know you");
        holds_up(&browser, "a stranger");
        browser.click("link", "Sign out at 127.0.0.1, to sign in as somebody else");
        browser.click("link", "Sign in");
        browser.fill("User", "ada");
        browser.fill("Password", "secret");
        provider.set_fault("http500");
        browser.click("button", "Sign in");
        browser.see("Nobody can sign in right now");
        holds_up(&browser, "the provider is down");
        provider.clear_fault();
        browser.goto(&at("/signin?next=/me"));
        browser.click("link", "Sign in");
        browser.see("Ada of Northmoor");
        holds_up(&browser, "one's own page");
        browser.goto(&at(&format!("/people/{ada}")));
        browser.see("Ada of Northmoor signed in");
        holds_up(&browser, "a person");
        browser.goto(&at("/me"));
        browser.click("button", "Sign out everywhere");
        browser.see("You are signed out everywhere");
        holds_up(&browser, "signed out");
        browser.click("link", "Sign out at 127.0.0.1 too");
        browser.see("You go to 127.0.0.1");
    }
}
