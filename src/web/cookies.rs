//! The two short encrypted cookies beside the session's: the notice of the next page, and a sign-in under way.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as Age;
use actix_web::cookie::{Cookie, CookieJar, SameSite};

use super::cx::Cx;
use super::page::Notice;
use super::reply::{Reply, Told};
use crate::kernel::Ts;
use crate::site::Site;

const NOTICE: &str = "notice";
const ATTEMPT: &str = "attempt";
const ATTEMPT_MINUTES: i64 = 10;

/// Reads and writes them with the site's key and names.
pub(super) struct Cookies<'a>(pub(super) &'a Site);

impl Cookies<'_> {
    fn read(&self, request: &HttpRequest, name: &str) -> Option<String> {
        let name = self.0.cookie_name(name);
        let mut jar = CookieJar::new();
        jar.add_original(request.cookie(&name)?);
        jar.private(&self.0.keys.cookies).get(&name).map(|cookie| cookie.value().to_owned())
    }

    /// What the page before had to say.
    pub(super) fn notice(&self, request: &HttpRequest) -> Option<Notice> {
        let json = self.read(request, NOTICE)?;
        Some(serde_json::from_str::<Told>(&json).ok()?.into())
    }

    /// What a sign-in under way carries; the end is written inside, for a browser may keep the cookie longer.
    pub(super) fn attempt(&self, request: &HttpRequest) -> Option<String> {
        let text = self.read(request, ATTEMPT)?;
        let (until, value) = text.split_once('.')?;
        let until = Ts::from_micros(until.parse().ok()?);
        (self.0.db.clocks().wall.now() < until).then(|| value.to_owned())
    }

    /// What the answer sets and takes away.
    pub(super) fn written(&self, cx: &Cx, reply: &Reply) -> Vec<Cookie<'static>> {
        let mut all = Vec::new();
        if let Some(notice) = &reply.notice {
            if let Ok(json) = serde_json::to_string(&Told::from(notice)) {
                all.extend(self.sealed(NOTICE, json, Age::minutes(5)));
            }
        } else if cx.notice.is_some() && cx.shown.get() && !cx.asked.head {
            all.push(self.gone(NOTICE));
        }
        match &reply.attempt {
            Some(Some(value)) => {
                let until = cx.wall().plus_seconds(ATTEMPT_MINUTES * 60).micros();
                let age = Age::minutes(ATTEMPT_MINUTES);
                all.extend(self.sealed(ATTEMPT, format!("{until}.{value}"), age));
            }
            Some(None) => all.push(self.gone(ATTEMPT)),
            None => {}
        }
        all
    }

    fn sealed(&self, name: &str, value: String, age: Age) -> Option<Cookie<'static>> {
        let mut cookie = self.plain(name, value);
        cookie.set_max_age(age);
        let mut jar = CookieJar::new();
        jar.private_mut(&self.0.keys.cookies).add(cookie);
        jar.delta().next().cloned()
    }

    fn gone(&self, name: &str) -> Cookie<'static> {
        let mut cookie = self.plain(name, String::new());
        cookie.make_removal();
        cookie
    }

    fn plain(&self, name: &str, value: String) -> Cookie<'static> {
        Cookie::build(self.0.cookie_name(name), value)
            .path("/")
            .secure(self.0.secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish()
    }
}
