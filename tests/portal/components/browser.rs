use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::Duration;

use super::panics;
use crate::support::browser::{Browser, Window};

const FORM: &str = r#"<main><h1>Form</h1><form action="/answer">
    <p><label>Name <input name="name"></label> <p><label>Name of the group <input name="group"></label>
    <p><label><input type="checkbox" name="sure"> I am sure</label>
    <p><label>Period <select name="period"><option>a day<option>a week</select></label>
    <p><button>Send</button></form> <a href="/slow">More</a> <a href="/slow">More about it</a></main>"#;

/// A small web server for a test; its thread ends with the tests.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            std::thread::spawn(move || {
                let mut lines =
                    BufReader::new(socket.try_clone().unwrap()).lines().map_while(Result::ok);
                let Some(first) = lines.next() else { return };
                for _ in lines.take_while(|line| !line.is_empty()) {}
                let _ = socket.write_all(page(first.split(' ').nth(1).unwrap_or("/")).as_bytes());
            });
        }
    });
    address
}

fn page(path: &str) -> String {
    let (status, header, body) = match path.split('?').next() {
        Some("/") => ("200 OK", "x-extra: none", FORM.to_owned()),
        Some("/answer") => ("200 OK", "set-cookie: seen=yes", format!("<main><h1>Answer</h1>{path}</main>")),
        Some("/slow") => {
            std::thread::sleep(Duration::from_millis(300)); // longer than a browser that does not wait
            ("200 OK", "x-extra: none", "<main><h1>Slow</h1></main>".to_owned())
        }
        Some("/scripted") => ("200 OK", "x-extra: none", "<main><h1>Quiet</h1></main><script>document.querySelector('h1').textContent = 'Loud'</script>".to_owned()),
        Some("/strict") => ("200 OK", "content-security-policy: script-src 'self'", "<main><h1>Strict</h1></main><script>1</script>".to_owned()),
        Some("/wide") => ("200 OK", "x-extra: none", "<main><h1>Wide</h1><p style='width: 2000px'>wide</p></main>".to_owned()),
        Some("/unlabeled") => ("200 OK", "x-extra: none", "<main><h1>Unlabeled</h1><img src='/icon.png'></main>".to_owned()),
        _ => ("404 Not Found", "x-extra: none", "<main><h1>Nothing here</h1></main>".to_owned()),
    };
    let body = format!(
        "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Test</title>{body}</html>"
    );
    let headers = format!(
        "content-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n{header}",
        body.len()
    );
    format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n{body}")
}

#[test]
fn a_person_fills_a_form_with_and_without_javascript() {
    let site = serve();
    for javascript in [true, false] {
        let Some(browser) = Browser::open(javascript) else { return };
        assert_eq!(browser.goto(&site), Some(200));
        browser.fill("Name", "Ada & Ben");
        browser.choose("I am sure");
        browser.select("Period", "a week");
        browser.click("button", "Send");
        assert_eq!(
            browser.url(),
            format!("{site}/answer?name=Ada+%26+Ben&group=&sure=on&period=a+week")
        );
        browser.see("Answer");
        assert_eq!(browser.cookies()[0]["name"], "seen");
    }
}

#[test]
fn a_click_and_a_key_wait_for_the_next_page() {
    let site = serve();
    let Some(browser) = Browser::open(false) else { return };
    browser.goto(&site);
    browser.click("link", "More");
    assert_eq!(browser.text(), "Slow");
    browser.goto(&site);
    browser.click_nth("link", "More", 1);
    assert_eq!(browser.text(), "Slow");
    browser.goto(&site);
    browser.fill("Name", "Ada");
    browser.press("Enter");
    browser.see("/answer?name=Ada");
}

#[test]
fn javascript_is_off_when_it_is_off() {
    let site = serve();
    for (javascript, heading) in [(true, "Loud"), (false, "Quiet")] {
        let Some(browser) = Browser::open(javascript) else { return };
        browser.goto(&format!("{site}/scripted"));
        assert_eq!(browser.text(), heading);
    }
}

#[test]
fn what_is_missing_is_named_together_with_what_is_there() {
    let site = serve();
    let Some(browser) = Browser::open(false) else { return };
    assert_eq!(browser.goto(&format!("{site}/nowhere")), Some(404));
    let words = panics(|| browser.see("Welcome"));
    assert!(words.contains("Welcome") && words.contains("Nothing here"), "{words}");
    assert_eq!(browser.title(), "Test");
    assert!(browser.content().contains("<h1>Nothing here</h1>"));
}

#[test]
fn axe_finds_a_fault_and_passes_a_good_page() {
    let site = serve();
    let Some(browser) = Browser::open(true) else { return };
    browser.goto(&site);
    browser.axe_clean();
    browser.goto(&format!("{site}/unlabeled"));
    let words = panics(|| browser.axe_clean());
    assert!(words.contains("image-alt"), "{words}");
}

#[test]
fn a_broken_content_security_policy_fails_until_the_console_is_asked() {
    let site = serve();
    let Some(browser) = Browser::open(true) else { return };
    let words = panics(|| _ = browser.goto(&format!("{site}/strict")));
    assert!(words.contains("Content Security Policy"), "{words}");
    assert!(browser.console().join("\n").contains("Content Security Policy"));
    browser.see("Strict");
}

#[test]
fn sizes_requests_and_pictures_are_told() {
    let site = serve();
    let narrow = Window { width: 320, height: 640, dark: true };
    let Some(browser) = Browser::open_as(true, narrow) else { return };
    browser.goto(&format!("{site}/wide"));
    assert!(browser.sideways());
    browser.goto(&format!("{site}/unlabeled"));
    assert!(!browser.sideways());
    let requests = browser.requests();
    assert_eq!(requests[0].url, format!("{site}/unlabeled"));
    assert!(
        requests.iter().any(|one| one.url.ends_with("/icon.png")) && requests[0].bytes > 100,
        "{requests:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("page.png");
    browser.screenshot(&picture, true);
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn visitors_do_not_share_cookies() {
    let site = serve();
    let (Some(one), Some(other)) = (Browser::open(false), Browser::open(false)) else { return };
    one.goto(&format!("{site}/answer"));
    assert_eq!((one.cookies().len(), other.cookies().len()), (1, 0));
}
