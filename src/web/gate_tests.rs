//! The gate from outside: a small table of routes, real requests, both databases.

use diesel::prelude::*;
use openidconnect::reqwest;

use super::harness::{Answer, Browser, House, houses, houses_with};
use super::limit::Limits;
use super::session::sweep;
use super::{Cx, Limit, Place, Reply, Route, SessionChange, get, headers, post};
use crate::access::policy::Gate;
use crate::db::schema::{people, sessions};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::{PackageId, PersonId, Ts};

const TABLE: &[Route] = &[
    get("/", Gate::SignedIn, home),
    get("/open", Gate::Open, home),
    get("/audit", Gate::Audit, home),
    get("/demo/clock", Gate::Demo, home),
    get("/packages/new", Gate::SignedIn, home),
    get("/packages/{id}", Gate::SignedIn, |cx| {
        cx.id::<PackageId>("id")?;
        home(cx)
    }),
    get("/note", Gate::SignedIn, note),
    post("/note", Gate::SignedIn, store_note),
    post("/note/send", Gate::SignedIn, store_note),
    get("/list", Gate::SignedIn, |cx| {
        cx.cursor::<Ts>("after")?;
        home(cx)
    }),
    get("/search", Gate::Open, home).limited(Limit::Search),
    get("/panic", Gate::Open, |_| panic!("at the disco")),
    get("/busy", Gate::Open, |_| Err(Error::Busy)),
    get("/leave", Gate::Open, |_| Ok(Reply::leave("https://id.example/authorize?x=1"))),
    post("/leave", Gate::Open, |_| Ok(Reply::leave("https://id.example/authorize"))),
    get("/rows", Gate::Open, |_| {
        Ok(Reply::csv_stream("all rows.csv", &["name"], |out| {
            for n in 0..5000 {
                out.row(&[format!("={n}")])?;
            }
            Ok(())
        }))
    }),
    get("/half", Gate::Open, |_| {
        Ok(Reply::csv_stream("half.csv", &["name"], |out| {
            out.row(&["one"])?;
            Err(Error::Missing)
        }))
    }),
    get("/attempt", Gate::Open, |cx| {
        let words = cx.attempt().unwrap_or("none").to_owned();
        Ok(Reply::see_other(format!("/{words}")).cookie_attempt(Some("state".into())))
    }),
    get("/callback/{id}", Gate::Open, |cx| {
        let change = SessionChange::SignIn { person: cx.id("id")?, id_token: Some("jwt".into()) };
        Ok(Reply::see_other("/").session(change).notice("Signed in.", "Welcome."))
    }),
    post("/signout", Gate::Open, |_| Ok(Reply::see_other("/open").session(SessionChange::SignOut))),
];

#[derive(askama::Template)]
#[template(
    ext = "html",
    source = r#"{% extends "shell/base.html" %}{% block head %}<h1>{{ shell.title }}</h1>{% endblock %}{% block body %}<form method="post" action="/note"><input type="hidden" name="csrf" value="{{ shell.csrf }}"><label for="note">Note</label><textarea id="note" name="note">{{ note }}</textarea></form>{% endblock %}"#
)]
struct NotePage {
    shell: super::Shell,
    note: String,
}

fn home(cx: &mut Cx) -> Result<Reply> {
    Reply::page(&NotePage { shell: cx.shell("Home", Place::Home)?, note: String::new() })
}

fn note(cx: &mut Cx) -> Result<Reply> {
    let note = cx.refill().map(|form| form.text("note")).unwrap_or_default();
    Reply::page(&NotePage { shell: cx.shell("Note", Place::None)?, note })
}

fn store_note(cx: &mut Cx) -> Result<Reply> {
    let note = cx.form().text("note");
    match note.split(' ').next().unwrap_or("") {
        "refused" => Err(Refusal::new("Already decided", "Ben did it.").way("See it", "/").into()),
        "denied" => Err(Error::Denied("Not yours.".into())),
        "invalid" => Err(Error::Invalid(vec![FieldError::new("note", "Write a note")])),
        "broken" => Err(Error::Broken(anyhow::anyhow!("inside words"))),
        "panic" => panic!("in a command"),
        _ => {
            cx.write(|tx| crate::db::set_setting(tx, "noted", "yes"))?;
            Ok(Reply::see_other("/note").notice("Stored.", "It is there."))
        }
    }
}

fn noted(house: &House) -> bool {
    house.site.db.read(|db| crate::db::setting(db, "noted")).unwrap().is_some()
}

fn disable(house: &House, person: PersonId) {
    house.change(move |tx| {
        diesel::update(people::table.find(person))
            .set(people::enabled.eq(false))
            .execute(tx.db())?;
        Ok(())
    });
}

fn rows(house: &House) -> i64 {
    house.site.db.read(|db| Ok(sessions::table.count().get_result(db)?)).unwrap()
}

fn one_heading(answer: &Answer) {
    assert_eq!(answer.texts("h1").len(), 1, "{}", answer.body);
}

fn each(test: impl Fn(&House)) {
    houses(&[TABLE]).iter().for_each(test);
}

#[test]
fn whoever_is_not_signed_in_is_sent_to_sign_in_and_comes_back() {
    each(|house| {
        let mut browser = house.browser();
        let answer = browser.get("/packages/new?q=a&x=%2F");
        assert_eq!(answer.status, 303);
        assert_eq!(answer.location(), "/signin?next=%2Fpackages%2Fnew%3Fq%3Da%26x%3D%252F");
        assert_eq!(browser.get("/audit").location(), "/signin?next=%2Faudit");
        assert_eq!(browser.get("/open").status, 200);
        // Nothing is written for visitors (E23).
        assert!(browser.cookies.is_empty());
        assert_eq!(rows(house), 0);
    });
}

#[test]
fn a_page_that_is_for_others_says_so_and_one_that_is_not_there_does_not() {
    each(|house| {
        let mut browser = house.signed_in(house.person("Ann"));
        let denied = browser.get("/audit");
        assert_eq!((denied.status, denied.texts("h1").len()), (403, 1));
        for path in ["/nowhere", "/packages/7", "/demo/clock", "/packages/", "//", "/static"] {
            let answer = browser.get(path);
            assert_eq!(answer.status, 404, "{path}");
            one_heading(&answer);
        }
        assert_eq!(browser.get("/packages/new").status, 200);
        assert_eq!(browser.get(&format!("/packages/{}", PackageId::fresh())).status, 200);
        assert_eq!(house.browser().get("/nowhere").status, 404);
    });
}

#[test]
fn the_navigation_is_what_the_person_may_use() {
    each(|house| {
        let ann = house.person("Ann");
        let mut browser = house.signed_in(ann);
        let places = browser.get("/").texts("nav#nav li:not(.only-s) > a");
        assert_eq!(places, ["Home", "Browse", "My access", "Requests", "Approvals"]);
        house.change(move |tx| {
            let row = people::table.find(ann);
            diesel::update(row).set(people::auditor.eq(true)).execute(tx.db())?;
            Ok(())
        });
        let before = browser.cookies.clone();
        let page = browser.get("/audit");
        assert_eq!(page.status, 200);
        let places = page.texts("nav#nav li:not(.only-s) > a");
        assert_eq!(places[5..], ["Reviews", "Catalogs", "Audit log"]);
        // A new id, and the old one has ended (E23).
        assert_ne!(browser.cookies, before);
        assert_eq!(browser.get("/").status, 200);
        let mut old = house.browser();
        old.cookies = before;
        assert_eq!(old.get("/").status, 303);
    });
}

#[test]
fn a_form_needs_the_token_of_its_session() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        let mut ben = house.signed_in(house.person("Ben"));
        ben.get("/note");
        let own = |r: reqwest::blocking::RequestBuilder| r.header("Sec-Fetch-Site", "same-origin");
        let note = ("note", "some words of mine");
        let refused = [
            ann.post_bare("/note", &[note], own),
            ann.post_bare("/note", &[note, ("csrf", "")], own),
            ann.post_bare("/note", &[note, ("csrf", &ben.token)], own),
        ];
        for answer in refused {
            assert_eq!(answer.status, 403);
            one_heading(&answer);
            assert_eq!(answer.texts("textarea#kept"), ["some words of mine"]);
        }
        assert!(!noted(house));
        ann.get("/note");
        assert_eq!(ann.post("/note", &[note]).status, 303);
        assert!(noted(house));
    });
}

#[test]
fn a_form_from_another_site_is_refused_even_with_the_token() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        let origin = house.site.public_url.origin().ascii_serialization();
        let token = ann.token.clone();
        let form = [("note", "words from elsewhere"), ("csrf", token.as_str())];
        let own = origin.clone();
        for (headers, status) in [
            (vec![("Sec-Fetch-Site", "cross-site")], 403),
            (vec![("Sec-Fetch-Site", "same-site")], 403),
            (vec![("Sec-Fetch-Site", "none")], 403),
            (vec![("Sec-Fetch-Site", "cross-site"), ("Origin", own.as_str())], 403),
            (vec![("Origin", "https://evil.example")], 403),
            (vec![("Origin", "null")], 403),
            (vec![("Origin", own.as_str())], 303),
            (vec![("Sec-Fetch-Site", "same-origin")], 303),
            (vec![], 303),
        ] {
            let answer = ann.post_bare("/note", &form, |mut request| {
                for (name, value) in &headers {
                    request = request.header(*name, *value);
                }
                request
            });
            assert_eq!(answer.status, status, "{headers:?}");
            assert!(!answer.body.contains("words from elsewhere"));
        }
    });
}

#[test]
fn a_session_ends_when_nothing_happens() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        for _ in 0..4 {
            house.clock.advance(29 * 60);
            assert_eq!(ann.get("/").status, 200);
        }
        house.clock.advance(30 * 60);
        assert_eq!(ann.get("/").status, 303);
        house.clock.advance(-60 * 60);
    });
}

#[test]
fn a_session_ends_twelve_hours_after_sign_in_whatever_happens() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        for _ in 0..35 {
            house.clock.advance(20 * 60);
            assert_eq!(ann.get("/").status, 200);
        }
        // Twenty minutes are left, and the page knows.
        assert!(ann.get("/").body.contains("data-seconds=\"1200\""));
        house.clock.advance(20 * 60);
        assert_eq!(ann.get("/").status, 303);
    });
}

#[test]
fn most_pages_write_nothing() {
    each(|house| {
        let ann = house.person("Ann");
        let mut browser = house.signed_in(ann);
        let expires = || {
            let all = sessions::table.select(sessions::expires_at);
            house.site.db.read(|db| Ok(all.first::<Ts>(db)?)).unwrap()
        };
        let before = expires();
        house.clock.advance(60);
        browser.get("/");
        assert_eq!(expires(), before);
        house.clock.advance(1);
        browser.get("/");
        assert_eq!(expires().seconds_since(before), 61);
    });
}

#[test]
fn a_page_takes_two_statements_for_the_session_and_one_for_the_navigation() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        ann.get("/");
        let before = house.site.db.statements_read();
        ann.get("/");
        assert_eq!(house.site.db.statements_read() - before, 3);
        for path in ["/healthz", "/static/app.css"] {
            let before = house.site.db.statements_read();
            assert_eq!(ann.get(path).status, 200);
            assert_eq!(house.site.db.statements_read(), before, "{path}");
        }
    });
}

#[test]
fn a_leaver_is_out_at_once() {
    each(|house| {
        let ann = house.person("Ann");
        let mut browser = house.signed_in(ann);
        assert_eq!(browser.get("/").status, 200);
        disable(house, ann);
        assert_eq!(browser.get("/").status, 303);
        assert_eq!(browser.post("/note", &[("note", "one more thing")]).status, 403);
        let answer = house.browser().get(&format!("/callback/{ann}"));
        assert_eq!((answer.status, answer.texts("h1").len()), (403, 1));
        assert!(answer.header("set-cookie").is_empty(), "no session for a leaver");
    });
}

/// A form that comes in slowly: between its two halves something happens.
struct Slow<F> {
    halves: Vec<Vec<u8>>,
    between: Option<F>,
}

impl<F: FnOnce()> std::io::Read for Slow<F> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.halves.len() == 1
            && let Some(between) = self.between.take()
        {
            between();
        }
        let Some(half) = self.halves.pop() else { return Ok(0) };
        out[..half.len()].copy_from_slice(&half);
        Ok(half.len())
    }
}

#[test]
fn an_ended_session_neither_comes_back_nor_carries_a_form_that_was_on_its_way() {
    each(|house| {
        let ann = house.person("Ann");
        let mut browser = house.signed_in(ann);
        browser.get("/note");
        let db = house.site.db.clone();
        let between = move || {
            // The server has the head of the form by now, and with it the session.
            std::thread::sleep(std::time::Duration::from_millis(300));
            db.write(super::session::BY, move |tx| {
                // Roles that change would give the session a new id.
                let row = diesel::update(people::table.find(ann));
                row.set(people::administrator.eq(true)).execute(tx.db())?;
                super::session::end_all(tx, ann)
            })
            .expect("a write");
        };
        let first = format!("csrf={}&text=", browser.token).into_bytes();
        let slow = Slow { halves: vec![b"late".to_vec(), first], between: Some(between) };
        let request = browser.request("POST", "/note").header("Sec-Fetch-Site", "same-origin");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let answer = browser.send(request.body(reqwest::blocking::Body::new(slow)));
        assert!(answer.location().starts_with("/signin"), "{} {}", answer.status, answer.body);
        let living = house.site.db.read(|db| {
            let living = sessions::table.filter(sessions::ended_at.is_null());
            Ok(living.count().get_result::<i64>(db)?)
        });
        assert_eq!(living.expect("a read"), 0);
        assert_eq!(browser.get("/").status, 303);
    });
}

#[test]
fn signing_in_makes_a_new_id_and_signing_out_ends_it() {
    each(|house| {
        let ann = house.person("Ann");
        let mut browser = house.signed_in(ann);
        let before = browser.cookies.clone();
        let answer = browser.get(&format!("/callback/{ann}"));
        let set = answer.headers.get_all("set-cookie").iter().next().unwrap().to_str().unwrap();
        for part in ["keyholder=", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(
                answer
                    .headers
                    .get_all("set-cookie")
                    .iter()
                    .any(|c| c.to_str().unwrap().contains(part)),
                "{set}"
            );
        }
        assert_ne!(browser.cookies, before);
        let mut old = house.browser();
        old.cookies = before;
        assert_eq!(old.get("/").status, 303);

        browser.get("/");
        let signed_in = browser.cookies.clone();
        assert_eq!(browser.post("/signout", &[]).location(), "/open");
        assert!(browser.cookies.is_empty());
        old.cookies = signed_in;
        assert_eq!(old.get("/").status, 303);
        // Signing out once more does no harm, without a token.
        assert_eq!(browser.post("/signout", &[]).status, 303);
    });
}

#[test]
fn all_sessions_of_a_person_can_be_ended() {
    each(|house| {
        let (ann, ben) = (house.person("Ann"), house.person("Ben"));
        let mut here = house.signed_in(ann);
        let mut there = house.signed_in(ann);
        let mut other = house.signed_in(ben);
        assert_eq!(house.change(move |tx| super::session::end_all(tx, ann)), 2);
        assert_eq!(house.change(move |tx| super::session::end_all(tx, ann)), 0);
        assert_eq!((here.get("/").status, there.get("/").status), (303, 303));
        assert_eq!(other.get("/").status, 200);
    });
}

#[test]
fn only_the_hash_of_a_key_is_stored_and_it_goes_an_hour_after_the_end() {
    each(|house| {
        let ann = house.person("Ann");
        house.signed_in(ann);
        let mut here = house.signed_in(ann);
        here.get("/");
        here.post("/signout", &[]);
        let hashes: Vec<String> = house
            .site
            .db
            .read(|db| Ok(sessions::table.select(sessions::key_hash).load(db)?))
            .unwrap();
        assert!(hashes.iter().all(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit())));
        house.clock.advance(3600);
        assert_eq!(house.change(sweep), 0);
        house.clock.advance(1);
        assert_eq!(house.change(sweep), 1);
        house.clock.advance(30 * 60);
        assert_eq!(house.change(sweep), 1);
        house.clock.advance(-3601 - 30 * 60);
    });
}

/// Ann types, her session ends, she sends; where she is led.
fn send_late(house: &House, browser: &mut Browser<'_>, path: &str) -> Answer {
    browser.get("/note");
    house.clock.advance(31 * 60);
    let page = format!("{}note", house.site.public_url);
    let token = browser.token.clone();
    let form = [("note", "a long reason"), ("note", "twice"), ("csrf", &token)];
    browser.post_bare(path, &form, |request| {
        request.header("Sec-Fetch-Site", "same-origin").header("Referer", page)
    })
}

#[test]
fn what_was_typed_when_the_session_ended_is_in_the_form_once_and_for_the_same_person() {
    each(|house| {
        let ann = house.person("Ann");
        let mut browser = house.signed_in(ann);
        let answer = send_late(house, &mut browser, "/note/send");
        assert_eq!((answer.status, answer.location()), (303, "/signin?next=%2Fnote"));
        assert!(!noted(house), "never replayed");
        let drafts: Vec<Option<String>> =
            house.site.db.read(|db| Ok(sessions::table.select(sessions::draft).load(db)?)).unwrap();
        assert!(drafts.iter().flatten().count() == 1);
        assert!(!drafts.iter().flatten().any(|draft| draft.contains("reason")), "encrypted");
        assert!(browser.get("/open").texts(".notice")[0].starts_with("Your session had ended."));

        browser.get(&format!("/callback/{ann}"));
        // Another page does not take it; HEAD does not take it.
        assert_eq!(browser.get("/").texts("textarea#note"), [""]);
        let head = browser.request("HEAD", "/note");
        browser.send(head);
        assert_eq!(browser.get("/note").texts("textarea#note"), ["a long reason"]);
        let drafts = sessions::table.filter(sessions::draft.is_not_null()).count();
        assert_eq!(house.site.db.read(|db| Ok(drafts.get_result::<i64>(db)?)).unwrap(), 0);
        assert_eq!(browser.get("/note").texts("textarea#note"), [""]);
        assert!(!noted(house));
    });
}

#[test]
fn nobody_else_gets_what_was_typed() {
    each(|house| {
        let (ann, ben) = (house.person("Ann"), house.person("Ben"));
        let mut browser = house.signed_in(ann);
        assert_eq!(send_late(house, &mut browser, "/note").status, 303);
        browser.get(&format!("/callback/{ben}"));
        assert_eq!(browser.get("/note").texts("textarea#note"), [""]);
    });
}

#[test]
fn without_the_ended_sessions_token_nothing_is_kept_but_the_words_are_shown() {
    each(|house| {
        let (ann, ben) = (house.person("Ann"), house.person("Ben"));
        let mut browser = house.signed_in(ann);
        browser.token = house.signed_in(ben).token;
        house.clock.advance(31 * 60);
        let answer = browser.post("/note", &[("note", "a long reason")]);
        assert_eq!(answer.status, 403);
        assert_eq!(answer.texts("textarea#kept"), ["a long reason"]);
        let drafts = sessions::table.filter(sessions::draft.is_not_null()).count();
        assert_eq!(house.site.db.read(|db| Ok(drafts.get_result::<i64>(db)?)).unwrap(), 0);
        // Without any session too.
        let answer = house.browser().post("/note", &[("note", "a long reason")]);
        assert_eq!((answer.status, answer.texts("textarea#kept").len()), (403, 1));
    });
}

#[test]
fn an_hour_after_the_end_nothing_is_kept() {
    each(|house| {
        let mut browser = house.signed_in(house.person("Ann"));
        browser.get("/note");
        house.clock.advance(30 * 60 + 3601);
        assert_eq!(browser.post("/note", &[("note", "a long reason")]).status, 403);
        house.clock.advance(-30 * 60 - 3601);
    });
}

#[test]
fn every_answer_carries_the_headers() {
    for house in houses_with(&[TABLE], |site| site.secure = true) {
        let mut browser = house.browser();
        let href = super::assets::href("app.css");
        for (path, cache) in [
            ("/open", "no-store"),
            ("/", "no-store"),
            ("/nowhere", "no-store"),
            ("/panic", "no-store"),
            ("/healthz", "no-store"),
            ("/readyz", "no-store"),
            ("/rows", "no-store"),
            ("/static/none.css", "no-store"),
            ("/static/app.css", "no-cache"),
            (href, "public, max-age=31536000, immutable"),
        ] {
            let answer = browser.get(path);
            assert_eq!(answer.header("content-security-policy"), headers::CSP, "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "same-origin");
            assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
            assert!(answer.header("permissions-policy").contains("camera=()"));
            assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
            assert_eq!(answer.header("cache-control"), cache, "{path}");
        }
        let answer = browser.get(&format!("/callback/{}", house.person("Ann")));
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with("__Host-"), "{cookie}");
            for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
        assert_eq!(browser.get("/").status, 200);
    }
}

#[test]
fn the_policy_of_content_is_the_agreed_one() {
    assert_eq!(
        headers::CSP,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
}

#[test]
fn answers_are_compressed() {
    each(|house| {
        let mut browser = house.browser();
        for (path, kind) in [("/open", "br"), (super::assets::href("app.css"), "gzip")] {
            let request = browser.request("GET", path).header("Accept-Encoding", kind);
            let response = request.send().unwrap();
            assert_eq!(response.headers()["content-encoding"], kind);
        }
        assert_eq!(browser.get("/open").header("content-encoding"), "");
    });
}

#[test]
fn head_is_answered_like_get_without_the_page() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        for path in ["/", "/nowhere", "/healthz", "/static/app.css"] {
            let get = ann.get(path);
            let request = ann.request("HEAD", path);
            let head = ann.send(request);
            assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        }
        // What the next page says is not said to HEAD.
        ann.get("/note");
        ann.post("/note", &[]);
        let request = ann.request("HEAD", "/note");
        ann.send(request);
        assert_eq!(ann.get("/note").texts(".notice"), ["Stored. It is there."]);
    });
}

#[test]
fn another_method_is_told_which_ones_there_are() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        for (method, path, allow) in [
            ("POST", "/packages/new", "GET, HEAD"),
            ("DELETE", "/note", "GET, HEAD, POST"),
            ("GET", "/note/send", "POST"),
            ("PUT", "/note/send", "POST"),
        ] {
            let request = ann.request(method, path);
            let answer = ann.send(request);
            assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
            one_heading(&answer);
        }
    });
}

#[test]
fn a_body_that_is_too_large_or_no_form_is_refused() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        let large = "x".repeat(super::form::FORM_MAX);
        let answer = ann.post("/note", &[("note", &large)]);
        assert_eq!(answer.status, 413);
        one_heading(&answer);
        for kind in ["multipart/form-data; boundary=x", "text/plain", "application/json"] {
            let request = ann.request("POST", "/note").header("Content-Type", kind).body("note=1");
            assert_eq!(ann.send(request).status, 415, "{kind}");
        }
        assert!(!noted(house));
    });
}

#[test]
fn a_failure_has_a_reference_and_no_inside_words() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        let answers = [
            ann.get("/panic"),
            ann.post("/note", &[("note", "broken by me")]),
            ann.post("/note", &[("note", "panic by me")]),
        ];
        for answer in answers {
            assert_eq!(answer.status, 500);
            one_heading(&answer);
            let reference = &answer.texts(".ref")[0];
            assert!(reference.starts_with("E-") && reference.ends_with("-09:00"), "{reference}");
            assert_eq!(reference.len(), "E-XXXX-09:00".len());
            assert!(!answer.body.contains("disco") && !answer.body.contains("inside"));
        }
        assert_eq!(ann.get("/").status, 200, "the site goes on");
    });
}

#[test]
fn a_problem_never_loses_what_was_typed() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        ann.get("/note");
        for (note, status) in [
            ("refused with words", 409),
            ("denied with words", 403),
            ("invalid with words", 422),
            ("broken with words", 500),
            ("panic with words", 500),
        ] {
            let answer = ann.post("/note", &[("note", note)]);
            assert_eq!(answer.status, status);
            one_heading(&answer);
            assert_eq!(answer.texts("textarea#kept"), [note]);
        }
        let answer = ann.post("/note", &[("note", "refused <b>bold</b>")]);
        assert!(!answer.body.contains("<b>bold"), "escaped");
        assert_eq!(answer.texts("h1"), ["Already decided"]);
    });
}

#[test]
fn busy_and_too_many_say_when_to_come_back() {
    for house in houses_with(&[TABLE], |site| site.limits = Limits::per_minute(9, 9, 1, 9)) {
        let mut browser = house.browser();
        let busy = browser.get("/busy");
        assert_eq!((busy.status, busy.header("retry-after")), (503, "5"));
        one_heading(&busy);
        assert_eq!(browser.get("/search").status, 200);
        let many = browser.get("/search");
        assert_eq!((many.status, many.header("retry-after")), (429, "60"));
        // Counted by person once somebody is signed in.
        let mut ann = house.signed_in(house.person("Ann"));
        assert_eq!(ann.get("/search").status, 200);
        assert_eq!(ann.get("/search").status, 429);
    }
}

#[test]
fn only_a_trusted_proxy_says_for_whom_it_asks() {
    for trusted in [false, true] {
        let change = |site: &mut crate::site::Site| {
            site.limits = Limits::per_minute(9, 9, 1, 9);
            if trusted {
                site.proxies = vec!["127.0.0.1".parse().unwrap()];
            }
        };
        for house in houses_with(&[TABLE], change) {
            let mut browser = house.browser();
            let mut search = |forwarded: &str| {
                let request = browser.request("GET", "/search");
                browser.send(request.header("X-Forwarded-For", forwarded)).status
            };
            assert_eq!(search("192.0.2.1"), 200);
            // What the sender wrote before the proxy's own entry counts for nothing.
            assert_eq!(search("192.0.2.9, 192.0.2.1"), 429);
            assert_eq!(search("192.0.2.2"), if trusted { 200 } else { 429 });
        }
    }
}

#[test]
fn a_notice_is_said_once() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        ann.get("/note");
        let answer = ann.post("/note", &[("note", "some words")]);
        assert!(!answer.header("set-cookie").contains("Stored"), "encrypted");
        assert_eq!(ann.get("/note").texts(".notice"), ["Stored. It is there."]);
        assert!(ann.get("/note").texts(".notice").is_empty());
    });
}

#[test]
fn a_made_up_cursor_leads_to_the_first_page() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        let answer = ann.get("/list?q=a+b&after=9999&n=2");
        assert_eq!((answer.status, answer.location()), (303, "/list?q=a+b&n=2"));
        assert_eq!(ann.get("/list?after=").status, 200);
    });
}

#[test]
fn only_a_get_leads_to_the_provider() {
    each(|house| {
        let mut browser = house.browser();
        assert_eq!(browser.get("/leave").location(), "https://id.example/authorize?x=1");
        let answer = browser.post("/leave", &[]);
        assert_eq!((answer.status, answer.location()), (500, ""));
    });
}

#[test]
fn the_cookie_of_a_sign_in_under_way_lasts_ten_minutes() {
    each(|house| {
        let mut browser = house.browser();
        let answer = browser.get("/attempt");
        assert_eq!(answer.location(), "/none");
        assert!(answer.header("set-cookie").contains("Max-Age=600"));
        let cookies = browser.cookies.clone();
        assert_eq!(browser.get("/attempt").location(), "/state");
        house.clock.advance(600);
        browser.cookies = cookies;
        assert_eq!(browser.get("/attempt").location(), "/none");
        browser.cookies = vec![("attempt".into(), "made-up".into())];
        assert_eq!(browser.get("/attempt").location(), "/none");
        house.clock.advance(-600);
        assert_eq!(rows(house), 0);
    });
}

#[test]
fn a_file_streams_whole_or_breaks_visibly() {
    each(|house| {
        let mut browser = house.browser();
        let answer = browser.get("/rows");
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"all-rows.csv\"");
        assert_eq!(answer.body.lines().count(), 5001);
        assert!(answer.body.starts_with("name\r\n'=0\r\n"));
        let half =
            browser.request("GET", "/half").send().and_then(reqwest::blocking::Response::text);
        assert!(half.is_err(), "half a file is an error");
    });
}

#[test]
fn the_demo_answers_to_loopback_names_only() {
    for house in houses_with(&[TABLE], |site| site.demo = true) {
        let port = house.site.public_url.port().unwrap();
        let mut ann = house.signed_in(house.person("Ann"));
        for (host, status) in [
            (format!("localhost:{port}"), 200),
            (format!("127.0.0.1:{port}"), 200),
            (format!("[::1]:{port}"), 200),
            ("localhost".to_owned(), 421),
            (format!("localhost:{}", port ^ 1), 421),
            (format!("evil.example:{port}"), 421),
            (format!("localhost.evil.example:{port}"), 421),
        ] {
            let request = ann.request("GET", "/demo/clock").header("Host", &host);
            let answer = ann.send(request);
            assert_eq!(answer.status, status, "{host}");
            assert_eq!(answer.header("content-security-policy"), headers::CSP);
        }
        assert_eq!(house.browser().get("/demo/clock").status, 303, "signed in only");
    }
}

#[test]
fn health_needs_no_database_and_readiness_does() {
    each(|house| {
        let mut browser = house.browser();
        assert_eq!(browser.get("/healthz").body, "ok");
        assert_eq!(browser.get("/readyz").status, 200);
        house.change(|tx| {
            diesel::sql_query("ALTER TABLE sessions RENAME TO gone").execute(tx.db())?;
            Ok(())
        });
        let answer = browser.get("/readyz");
        assert_eq!((answer.status, answer.body.as_str()), (503, "not ready"));
        assert_eq!(browser.get("/healthz").status, 200);
    });
}

#[test]
fn a_session_that_cannot_be_loaded_is_a_page_and_not_a_sign_in() {
    each(|house| {
        let mut ann = house.signed_in(house.person("Ann"));
        house.change(|tx| {
            diesel::sql_query("ALTER TABLE sessions RENAME TO gone").execute(tx.db())?;
            Ok(())
        });
        let answer = ann.get("/");
        assert_eq!(answer.status, 503);
        one_heading(&answer);
        let answer = ann.post("/note", &[("note", "a long reason")]);
        assert_eq!((answer.status, answer.texts("textarea#kept").len()), (503, 1));
    });
}

#[test]
fn a_cookie_that_somebody_made_up_is_nobody() {
    each(|house| {
        let mut browser = house.browser();
        for value in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            browser.cookies = vec![("keyholder".into(), value.into())];
            assert_eq!(browser.get("/").status, 303);
        }
    });
}
