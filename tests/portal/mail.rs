//! Mails, through a real server: the right ones, once, whatever goes wrong on the way (E14, E30, D36, D48).

mod killed;
mod pages;

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::schema::{mails, notices, people};
use keyholder::error::Error;
use keyholder::kernel::{NoticeId, PersonId, Secret, Zone};
use keyholder::notify::letters::Letterhead;
use keyholder::notify::mailer::Mailer;
use keyholder::notify::settings::{MailSettings, Protection};
use keyholder::notify::{commands, dispatch, post};
use serde_json::json;

use crate::support::mailbox::{Mailbox, PASSWORD};
use crate::support::world::{World, by, terms};

const MINUTE: i64 = 60;

/// The way to a server.
fn mailer(settings: MailSettings) -> Mailer {
    let head = Letterhead {
        site: "https://access.northmoor.example".parse().unwrap(),
        organization: "Northmoor Instruments".into(),
        help: String::new(),
        zone: Zone::UTC,
    };
    Mailer::new(settings, head).unwrap()
}

/// Ada's and Ben's world, in which both have an address, and a mail server.
struct Post {
    w: World,
    mailbox: Mailbox,
    mailer: Mailer,
}

impl Post {
    fn new() -> Option<Self> {
        let (w, mailbox) = (World::new()?, Mailbox::start()?);
        let mailer = mailer(mailbox.settings());
        let post = Self { w, mailbox, mailer };
        post.address(post.w.ada, "ada@northmoor.example");
        post.address(post.w.ben, "ben@northmoor.example");
        Some(post)
    }

    fn address(&self, person: PersonId, mail: &str) {
        let mail = mail.to_owned();
        self.w.run(move |tx| {
            let person = people::table.find(person);
            diesel::update(person).set(people::mail.eq(Some(&mail))).execute(tx.db())?;
            Ok(())
        });
    }

    /// Ada asks; Ben decides. The notices are made, with their mails.
    fn ask(&self) -> keyholder::kernel::RequestId {
        let package = self.w.package(&[], terms(vec![by(&[self.w.ben], &[])]));
        let request = self.w.ask(self.w.ada, package).unwrap();
        self.dispatch();
        request
    }

    fn dispatch(&self) {
        dispatch::run_for(&self.w.db, true).unwrap();
    }

    /// A turn of the sender; returns how many mails were tried.
    fn turn(&self) -> usize {
        post::run(&self.w.db, &self.mailer).unwrap()
    }

    /// State, attempts and trouble of every mail, oldest first.
    fn states(&self) -> Vec<(String, i64, Option<String>)> {
        let all = mails::table.order(mails::notice_id);
        let all = all.select((mails::state, mails::attempts, mails::trouble));
        self.w.db.read(|db| Ok(all.load(db)?)).unwrap()
    }

    fn state(&self) -> (String, i64, String) {
        let all = self.states();
        assert_eq!(all.len(), 1, "{all:?}");
        let (state, attempts, trouble) = all.into_iter().next().unwrap();
        (state, attempts, trouble.unwrap_or_default())
    }

    fn notice(&self) -> NoticeId {
        let first = notices::table.order(notices::id).select(notices::id);
        self.w.db.read(|db| Ok(first.first(db)?)).unwrap()
    }
}

#[test]
fn d36_the_approver_gets_the_right_mail_once_and_nobody_else_gets_any() {
    let Some(p) = Post::new() else { return };
    let request = p.ask();
    assert_eq!((p.turn(), p.turn()), (1, 0));
    let mails = p.mailbox.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = &mails[0];
    assert_eq!(mail.to, ["ben@northmoor.example"]);
    let package = p.w.request(request).package;
    assert_eq!(mail.subject, format!("Decide by Mon 16 Mar 2026, 09:00 UTC: {package} for Ada"));
    assert_eq!(mail.parts, ["multipart/alternative", "text/plain", "text/html"]);
    let link = format!("https://access.northmoor.example/approvals/{request}");
    assert!(mail.text.contains(&format!("Open the request and decide:\n{link}")), "{}", mail.text);
    assert!(mail.text.contains("Ada wrote:\n> month end"), "{}", mail.text);
    assert!(mail.html.contains(&format!("<a href=\"{link}\">")), "{}", mail.html);
    let id = format!("<{}@access.northmoor.example>", p.notice());
    assert_eq!(mail.header["message-id"], id);
    assert_eq!(mail.header["auto-submitted"], "auto-generated");
    assert!(mail.header["from"].contains("keyholder@northmoor.example"));
    assert_eq!(mail.header["date"], "Mon, 02 Mar 2026 09:00:00 +0000");
    p.w.approve(p.w.ben, request).unwrap();
    p.dispatch();
    assert!(p.turn() > 0);
    let mails = p.mailbox.mails();
    assert!(mails[1..].iter().all(|mail| mail.to == ["ada@northmoor.example"]), "{mails:?}");
    assert!(mails[1..].iter().any(|mail| mail.subject == format!("Approved: {package}")));
}

#[test]
fn whoever_wants_only_what_waits_for_them_gets_no_other_mail() {
    let Some(p) = Post::new() else { return };
    for person in [p.w.ada, p.w.ben] {
        p.w.by(person, |tx| {
            let choice = keyholder::signin::Choice { mail: Some("needed"), ..Default::default() };
            keyholder::signin::commands::choose(tx, &choice)
        })
        .unwrap();
    }
    let request = p.ask();
    assert_eq!(p.turn(), 1, "Ben has something to decide");
    let ben = p.w.ben;
    p.w.ask_about(ben, request, "Which month?").unwrap();
    p.dispatch();
    assert_eq!(p.turn(), 1, "Ada has something to answer");
    p.w.answer(p.w.ada, request, "March.").unwrap();
    p.w.approve(ben, request).unwrap();
    p.dispatch();
    p.turn();
    let mails = p.mailbox.mails();
    let of_ada = mails.iter().filter(|mail| mail.to == ["ada@northmoor.example"]);
    let subjects: Vec<&str> = of_ada.map(|mail| mail.subject.as_str()).collect();
    assert!(subjects.len() == 1 && subjects[0].starts_with("Answer by"), "{subjects:?}");
    let told = p.w.notices(p.w.ada);
    assert!(told.len() > 1, "in the portal she reads all of it: {told:?}");
}

#[test]
fn without_mail_nothing_waits_for_the_day_it_is_turned_on() {
    let Some(p) = Post::new() else { return };
    let package = p.w.package(&[], terms(vec![by(&[p.w.ben], &[])]));
    p.w.ask(p.w.ada, package).unwrap();
    p.w.dispatch();
    assert_eq!(p.w.notices(p.w.ben).len(), 1);
    assert_eq!((p.turn(), p.states().len()), (0, 0));
}

#[test]
fn e14_a_mail_that_is_not_taken_now_is_tried_again_under_the_same_id() {
    let Some(p) = Post::new() else { return };
    p.ask();
    p.mailbox.faults(&json!({ "later": 2 }));
    assert_eq!(p.turn(), 1);
    let (state, attempts, trouble) = p.state();
    assert_eq!((state.as_str(), attempts), ("waiting", 1));
    assert!(trouble.contains("451") && trouble.contains("Greylisted"), "{trouble}");
    p.w.pass_wall(MINUTE - 1);
    assert_eq!(p.turn(), 0, "not before a minute");
    p.w.pass_wall(1);
    assert_eq!(p.turn(), 1);
    p.w.pass_wall(5 * MINUTE);
    assert_eq!(p.turn(), 1);
    assert_eq!(p.state().0, "sent");
    assert_eq!(p.mailbox.mails().len(), 1);
    p.w.pass_wall(86_400);
    assert_eq!(p.turn(), 0);
}

#[test]
fn a_server_that_is_away_for_three_days_makes_a_mail_fail() {
    let Some(p) = Post::new() else { return };
    p.ask();
    let nowhere = MailSettings { port: Some(1), ..p.mailbox.settings() };
    let away = mailer(nowhere);
    let mut tries = 0;
    for _ in 0..80 {
        tries += post::run(&p.w.db, &away).unwrap();
        p.w.pass_wall(60 * MINUTE);
    }
    let (state, attempts, trouble) = p.state();
    assert_eq!((state.as_str(), tries), ("failed", 73));
    assert_eq!(attempts, 73);
    assert!(trouble.starts_with("The mail server 127.0.0.1 cannot be used: "), "{trouble}");
    assert_eq!(p.turn(), 0);
}

#[test]
fn a_mail_that_is_refused_has_failed_until_an_administrator_tries_it_again() {
    let Some(p) = Post::new() else { return };
    p.ask();
    p.mailbox.faults(&json!({ "refuse": { "ben@northmoor.example": 550 } }));
    assert_eq!(p.turn(), 1);
    let (state, _, trouble) = p.state();
    assert_eq!(state, "failed");
    assert!(trouble.contains("refused") && trouble.contains("550"), "{trouble}");
    p.w.pass_wall(86_400);
    assert_eq!(p.turn(), 0, "it is not tried by itself");
    p.mailbox.faults(&json!({}));
    let id = p.notice();
    let retry = move |tx: &mut keyholder::db::Tx<'_>| {
        let permit = policy::manage_mail(tx.actor())?;
        commands::try_again(tx, &permit, id)
    };
    assert!(matches!(p.w.by(p.w.ben, retry), Err(Error::Denied(_))));
    assert!(p.w.by(p.w.root, retry).unwrap());
    assert!(!p.w.by(p.w.root, retry).unwrap(), "it has failed no longer");
    assert_eq!(p.w.facts("mail_tried_again").len(), 1);
    assert_eq!((p.turn(), p.state().0.as_str()), (1, "sent"));
    assert_eq!(p.mailbox.mails().len(), 1);
}

#[test]
fn one_refused_mail_holds_up_no_other() {
    let Some(p) = Post::new() else { return };
    p.address(p.w.dan, "dan@northmoor.example");
    let package = p.w.package(&[], terms(vec![by(&[p.w.ben, p.w.dan, p.w.eve], &[])]));
    p.w.ask(p.w.ada, package).unwrap();
    p.dispatch();
    p.mailbox.faults(&json!({ "refuse": { "ben@northmoor.example": 550 } }));
    assert_eq!(p.turn(), 3);
    let mails = p.mailbox.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["dan@northmoor.example"]);
    let states = p.states();
    let no_address = |(_, _, why): &&(String, i64, Option<String>)| {
        why.as_deref().is_some_and(|why| why.contains("no mail address"))
    };
    assert_eq!(states.iter().filter(no_address).count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|(state, ..)| state == "failed").count(), 2);
}

#[test]
fn e14_a_connection_that_breaks_after_the_mail_makes_at_most_a_second_copy_with_its_id() {
    let Some(p) = Post::new() else { return };
    p.ask();
    p.mailbox.faults(&json!({ "drop": 1 }));
    assert_eq!((p.turn(), p.state().0.as_str()), (1, "waiting"));
    p.w.pass_wall(MINUTE);
    assert_eq!((p.turn(), p.state().0.as_str()), (1, "sent"));
    let mails = p.mailbox.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header["message-id"], mails[1].header["message-id"]);
    assert_eq!((&mails[0].text, &mails[0].subject), (&mails[1].text, &mails[1].subject));
}

#[test]
fn d48_who_can_no_longer_decide_and_who_has_left_gets_no_mail() {
    let Some(p) = Post::new() else { return };
    p.address(p.w.dan, "dan@northmoor.example");
    let package = p.w.package(&[], terms(vec![by(&[p.w.ben, p.w.dan], &[])]));
    let request = p.w.ask(p.w.ada, package).unwrap();
    p.dispatch();
    // The mails wait while Dan decides; then Ben is told nothing any more.
    p.w.deny(p.w.dan, request).unwrap();
    p.dispatch();
    p.w.leave(p.w.ada);
    assert_eq!(p.turn(), 3);
    assert_eq!(p.mailbox.mails().len(), 0);
    let states = p.states();
    assert!(states.iter().all(|(state, ..)| state == "dropped"), "{states:?}");
}

#[test]
fn dispatchers_and_senders_at_once_send_every_mail_once() {
    let Some(p) = Post::new() else { return };
    let package = p.w.package(&[], terms(vec![by(&[p.w.ben], &[])]));
    let people = p.w.people(12);
    p.w.ask_all(&people, package);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| p.dispatch());
        }
    });
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| p.turn());
        }
    });
    let mut ids: Vec<_> =
        p.mailbox.mails().into_iter().map(|mut m| m.header.remove("message-id")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), p.mailbox.mails().len()), (12, 12));
}

#[test]
fn e30_names_and_addresses_put_nothing_into_the_header() {
    let Some(p) = Post::new() else { return };
    let (ada, ben) = (p.w.ada, p.w.ben);
    p.w.run(move |tx| {
        for (who, name) in [
            (ada, "Ada\r\nBcc: all@x.example\r\n\r\nEvil"),
            (ben, "Ben \"the\" <b@x.example>, Ö\r\nX-Evil: 1"),
        ] {
            diesel::update(people::table.find(who)).set(people::name.eq(name)).execute(tx.db())?;
        }
        Ok(())
    });
    p.ask();
    assert_eq!(p.turn(), 1);
    let mails = p.mailbox.mails();
    let mail = &mails[0];
    assert_eq!(mail.to, ["ben@northmoor.example"]);
    let names: Vec<&String> = mail.header.keys().collect();
    assert!(!mail.header.contains_key("bcc") && !mail.header.contains_key("x-evil"), "{names:?}");
    assert!(mail.subject.ends_with("for Ada Bcc: all@x.example Evil"), "{}", mail.subject);
    for address in
        ["x@y.example\r\nRCPT TO:<z@y.example>", "a b@c.example", "nobody", "<a@b.example>"]
    {
        p.address(ben, address);
        p.ask();
        assert_eq!(p.turn(), 1, "{address:?}");
        assert_eq!(p.mailbox.mails().len(), 1, "{address:?}");
    }
    assert_eq!(p.states().iter().filter(|(state, ..)| state == "failed").count(), 4);
}

#[test]
fn a_server_without_starttls_gets_neither_password_nor_mail() {
    let (Some(p), Some(plain)) = (Post::new(), Mailbox::without_tls()) else { return };
    p.ask();
    let settings = MailSettings { ca: Some(p.mailbox.ca()), ..plain.settings() };
    assert_eq!(post::run(&p.w.db, &mailer(settings)).unwrap(), 1);
    let (state, _, trouble) = p.state();
    assert_eq!(state, "waiting");
    assert!(trouble.contains("offers no STARTTLS"), "{trouble}");
    assert_eq!(plain.mails().len(), 0);
    // On this machine it may be asked to do without.
    p.w.pass_wall(MINUTE);
    let settings = MailSettings { tls: Protection::None, ca: None, ..plain.settings() };
    assert_eq!(post::run(&p.w.db, &mailer(settings)).unwrap(), 1);
    assert_eq!((plain.mails().len(), p.state().0.as_str()), (1, "sent"));
}

#[test]
fn a_certificate_of_somebody_else_is_not_believed() {
    let Some(p) = Post::new() else { return };
    p.ask();
    let settings = MailSettings { ca: None, ..p.mailbox.settings() };
    assert_eq!(post::run(&p.w.db, &mailer(settings)).unwrap(), 1);
    let (state, _, trouble) = p.state();
    assert_eq!((state.as_str(), p.mailbox.mails().len()), ("waiting", 0));
    assert!(trouble.contains("failed at STARTTLS"), "{trouble}");
}

#[test]
fn a_wrong_password_makes_no_mail_fail_and_is_not_repeated() {
    let Some(p) = Post::new() else { return };
    p.ask();
    let wrong = Secret::new(format!("{PASSWORD} and wrong"));
    let settings = MailSettings { password: Some(wrong), ..p.mailbox.settings() };
    assert!(!format!("{settings:?}").contains(PASSWORD));
    assert_eq!(post::run(&p.w.db, &mailer(settings)).unwrap(), 1);
    let (state, _, trouble) = p.state();
    assert_eq!(state, "waiting", "the mail can do nothing about it");
    assert!(trouble.contains("does not accept the username and password: 535"), "{trouble}");
    assert!(!trouble.contains(PASSWORD));
}

#[test]
fn a_server_that_greets_late_is_waited_for() {
    let Some(p) = Post::new() else { return };
    p.ask();
    p.mailbox.faults(&json!({ "greeting": 1_500 }));
    assert_eq!((p.turn(), p.state().0.as_str()), (1, "sent"));
}
