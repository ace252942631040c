//! The routes as data, and the server around them. Here actix ends: pages are plain functions.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::cookie::time::Duration as Age;
use actix_web::cookie::{Cookie, CookieJar, SameSite};
use actix_web::dev::{ResourceDef, Server};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use diesel::prelude::*;
use tokio::sync::mpsc;

use super::cx::{Asked, Cx};
use super::form::{FORM_MAX, Form};
use super::limit::Limit;
use super::reply::{Body, Reply, Told, stream};
use super::session::Handover;
use super::{assets, gate, headers, problem, session};
use crate::access::policy::Gate;
use crate::error::{Error, Result};
use crate::kernel::Ts;
use crate::site::Site;

/// What a route answers to; HEAD is answered like GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Shows; changes nothing.
    Get,
    /// Takes a form.
    Post,
}

/// One route of a table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What it answers to.
    pub method: Method,
    /// The path, with parts in braces: `/packages/{id}`.
    pub path: &'static str,
    /// Who may come in at all.
    pub gate: Gate,
    /// The page.
    pub run: fn(&mut Cx) -> Result<Reply>,
    /// How often one may.
    pub limit: Option<Limit>,
}

/// A route that shows.
#[must_use]
pub const fn get(path: &'static str, gate: Gate, run: fn(&mut Cx) -> Result<Reply>) -> Route {
    Route { method: Method::Get, path, gate, run, limit: None }
}

/// A route that takes a form.
#[must_use]
pub const fn post(path: &'static str, gate: Gate, run: fn(&mut Cx) -> Result<Reply>) -> Route {
    Route { method: Method::Post, path, gate, run, limit: None }
}

impl Route {
    /// The same route, limited.
    #[must_use]
    pub const fn limited(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }
}

static NOT_FOUND: Route = get("", Gate::Open, |_| Err(Error::Missing));

/// The pages that can be shown: where a form's page is looked up.
pub(super) struct Pages(Vec<ResourceDef>);

impl Pages {
    fn of(tables: &[&'static [Route]]) -> Self {
        let all = tables.iter().copied().flatten();
        let shown = all.filter(|route| route.method == Method::Get);
        Self(shown.map(|route| ResourceDef::new(route.path)).collect())
    }

    /// The address itself if it shows a page, else the nearest one above it.
    pub(super) fn page_of(&self, address: &str) -> String {
        let (mut path, _) = address.split_once('?').unwrap_or((address, ""));
        if self.has(path) {
            return address.to_owned();
        }
        while let Some((above, _)) = path.rsplit_once('/') {
            path = above;
            if self.has(path) {
                return path.to_owned();
            }
        }
        "/".to_owned()
    }

    fn has(&self, path: &str) -> bool {
        self.0.iter().any(|page| page.is_match(path))
    }
}

/// Lays the routes of all tables, the files and the health checks into an actix app.
pub fn configure(
    site: Arc<Site>,
    tables: &[&'static [Route]],
) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let pages = Arc::new(Pages::of(tables));
    // In this order `{id}` comes after every word in its place.
    let mut paths: BTreeMap<&'static str, Vec<&'static Route>> = BTreeMap::new();
    for route in tables.iter().copied().flatten() {
        paths.entry(route.path).or_default().push(route);
    }
    move |config| {
        let outer = Arc::clone(&site);
        let mut rooms = web::scope("").wrap(session::middleware(&site));
        for (path, routes) in paths {
            rooms = rooms.service(resource(&site, &pages, path, &routes));
        }
        let rooms = rooms.default_service(handler(&site, &pages, &NOT_FOUND, None));
        let ready = web::Data::from(Arc::clone(&site));
        config.service(
            web::scope("")
                .wrap(Compress::default())
                .wrap(from_fn(move |request, next| {
                    headers::layer(Arc::clone(&outer), request, next)
                }))
                .app_data(ready)
                .service(web::resource("/static/{file:.*}").get(file).head(file))
                .route("/healthz", web::get().to(health))
                .route("/healthz", web::head().to(health))
                .route("/readyz", web::get().to(readiness))
                .route("/readyz", web::head().to(readiness))
                .service(rooms),
        );
    }
}

fn resource(
    site: &Arc<Site>,
    pages: &Arc<Pages>,
    path: &'static str,
    routes: &[&'static Route],
) -> actix_web::Resource {
    let mut resource = web::resource(path);
    let mut allowed = Vec::new();
    for &route in routes {
        let serve = || handler(site, pages, route, None);
        resource = match route.method {
            Method::Get => {
                allowed.extend(["GET", "HEAD"]);
                resource
                    .route(serve().method(actix_web::http::Method::GET))
                    .route(serve().method(actix_web::http::Method::HEAD))
            }
            Method::Post => {
                allowed.push("POST");
                resource.route(serve().method(actix_web::http::Method::POST))
            }
        };
    }
    resource.default_service(handler(site, pages, &NOT_FOUND, Some(allowed.join(", "))))
}

/// The actix handler of a route; with `allowed`, the answer to every other method.
fn handler(
    site: &Arc<Site>,
    pages: &Arc<Pages>,
    route: &'static Route,
    allowed: Option<String>,
) -> actix_web::Route {
    let (site, pages) = (Arc::clone(site), Arc::clone(pages));
    web::route().to(
        move |request: HttpRequest, jar: actix_session::Session, payload: web::Payload| {
            let (site, pages) = (Arc::clone(&site), Arc::clone(&pages));
            let allowed = allowed.clone();
            async move {
                let mut cx = read(site, pages, &request, &jar);
                if cx.asked.post && allowed.is_none() && route.method == Method::Post {
                    match body(&request, payload).await {
                        Ok(form) => cx.form = form,
                        Err(status) => cx.asked.unreadable = Some(status),
                    }
                }
                answer(cx, route, allowed, &jar).await
            }
        },
    )
}

fn read(
    site: Arc<Site>,
    pages: Arc<Pages>,
    request: &HttpRequest,
    jar: &actix_session::Session,
) -> Cx {
    let text = |name: &str| request.headers().get(name)?.to_str().ok().map(str::to_owned);
    let (session, trouble) = session::loaded(jar);
    let parts = request.match_info().iter();
    let asked = Asked {
        post: request.method() == actix_web::http::Method::POST,
        head: request.method() == actix_web::http::Method::HEAD,
        path: request.path().to_owned(),
        query_text: request.query_string().to_owned(),
        query: Form::parse(request.query_string().as_bytes()),
        parts: parts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        fetch_site: text("sec-fetch-site"),
        origin: text("origin"),
        referer: text("referer"),
        peer: peer(&site, request),
        unreadable: None,
        trouble,
    };
    let cookies = Cookies { site: &site };
    let notice = cookies
        .read(request, NOTICE)
        .and_then(|json| serde_json::from_str::<Told>(&json).ok())
        .map(Into::into);
    let attempt = cookies.read(request, ATTEMPT).and_then(|text| {
        let (until, value) = text.split_once('.')?;
        let until = Ts::from_micros(until.parse().ok()?);
        (site.db.clocks().wall.now() < until).then(|| value.to_owned())
    });
    Cx {
        pages,
        asked,
        form: Form::default(),
        session,
        actor: None,
        notice,
        attempt,
        shown: std::cell::Cell::new(false),
        site,
    }
}

/// The person's computer: the peer, or whom a trusted proxy names last.
fn peer(site: &Site, request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    if !site.proxies.contains(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get("x-forwarded-for").and_then(|text| text.to_str().ok());
    let last = forwarded.and_then(|text| text.rsplit(',').next());
    Some(last.and_then(|text| text.trim().parse().ok()).unwrap_or(peer))
}

async fn body(request: &HttpRequest, payload: web::Payload) -> std::result::Result<Form, u16> {
    let of = |name| request.headers().get(name).and_then(|v: &header::HeaderValue| v.to_str().ok());
    let kind = of(header::CONTENT_TYPE).unwrap_or("").split(';').next().unwrap_or("").trim();
    let length = of(header::CONTENT_LENGTH).and_then(|n| n.parse::<usize>().ok());
    if length.is_some_and(|n| n > FORM_MAX) {
        return Err(413);
    }
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return if length == Some(0) { Ok(Form::default()) } else { Err(415) };
    }
    match payload.to_bytes_limited(FORM_MAX).await {
        Ok(Ok(bytes)) => Ok(Form::parse(&bytes)),
        Ok(Err(_)) => Err(400),
        Err(_) => Err(413),
    }
}

async fn answer(
    mut cx: Cx,
    route: &'static Route,
    allowed: Option<String>,
    jar: &actix_session::Session,
) -> HttpResponse {
    let made = web::block(move || {
        let (reply, handover) = gate::answer(&mut cx, route);
        let (reply, handover) = match &allowed {
            Some(methods) => {
                let reply = problem::draw(&cx, problem::wrong_method());
                (reply.header("Allow", methods.clone()), None)
            }
            None => (reply, handover),
        };
        let cookies = Cookies { site: &cx.site }.written(&cx, &reply);
        let location = location(&cx.site, &reply.body);
        (reply, handover, cookies, location)
    })
    .await;
    let Ok((reply, handover, cookies, location)) = made else {
        tracing::error!("an answer was lost");
        return HttpResponse::InternalServerError().body("Something went wrong on this site.");
    };
    if let Some(handover) = handover {
        Handover::apply(handover, jar);
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in reply.headers {
        response.insert_header((name, value));
    }
    for cookie in cookies {
        response.cookie(cookie);
    }
    if let Some(location) = location {
        response.insert_header((header::LOCATION, location));
    }
    let attachment =
        |name: String| (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    match reply.body {
        Body::Html(html) => response.content_type("text/html; charset=utf-8").body(html),
        Body::Text(words) => response.content_type("text/plain; charset=utf-8").body(words),
        Body::Redirect(_) | Body::Leave(_) => response.finish(),
        Body::File { mime, name, bytes } => {
            response.content_type(mime).insert_header(attachment(name)).body(bytes)
        }
        Body::Rows { name, producer } => response
            .content_type("text/csv; charset=utf-8")
            .insert_header(attachment(name))
            .body(Rows(stream(producer))),
    }
}

/// A streamed file on its way out.
struct Rows(mpsc::Receiver<io::Result<Vec<u8>>>);

impl MessageBody for Rows {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.get_mut().0.poll_recv(cx).map(|next| next.map(|bytes| bytes.map(Bytes::from)))
    }
}

/// The header of a redirect: encoded, and never to another site unless it is the provider.
fn location(site: &Site, body: &Body) -> Option<String> {
    match body {
        Body::Redirect(path) => {
            let url = site.public_url.join(path).ok()?;
            Some(if url.origin() == site.public_url.origin() {
                url[url::Position::BeforePath..].to_owned()
            } else {
                "/".to_owned()
            })
        }
        Body::Leave(url) => Some(url.clone()),
        _ => None,
    }
}

const NOTICE: &str = "notice";
const ATTEMPT: &str = "attempt";
const ATTEMPT_MINUTES: i64 = 10;

/// The two short encrypted cookies beside the session's.
struct Cookies<'a> {
    site: &'a Site,
}

impl Cookies<'_> {
    fn read(&self, request: &HttpRequest, name: &str) -> Option<String> {
        let name = self.site.cookie_name(name);
        let mut jar = CookieJar::new();
        jar.add_original(request.cookie(&name)?);
        jar.private(&self.site.keys.cookies).get(&name).map(|cookie| cookie.value().to_owned())
    }

    fn written(&self, cx: &Cx, reply: &Reply) -> Vec<Cookie<'static>> {
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
        let mut jar = CookieJar::new();
        let mut cookie = self.plain(name, value);
        cookie.set_max_age(age);
        jar.private_mut(&self.site.keys.cookies).add(cookie);
        let sealed = jar.delta().next().cloned();
        sealed
    }

    fn gone(&self, name: &str) -> Cookie<'static> {
        let mut cookie = self.plain(name, String::new());
        cookie.make_removal();
        cookie
    }

    fn plain(&self, name: &str, value: String) -> Cookie<'static> {
        Cookie::build(self.site.cookie_name(name), value)
            .path("/")
            .secure(self.site.secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish()
    }
}

async fn file(path: web::Path<String>) -> HttpResponse {
    let Some((asset, immutable)) = assets::lookup(&path) else {
        return HttpResponse::NotFound().body("There is no such file.");
    };
    let age = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    HttpResponse::Ok()
        .content_type(asset.mime)
        .insert_header((header::CACHE_CONTROL, age))
        .body(asset.bytes.as_slice())
}

async fn health() -> HttpResponse {
    HttpResponse::Ok().body("ok")
}

/// Ready when a read works and the schema is there. Says nothing more.
async fn readiness(site: web::Data<Site>) -> HttpResponse {
    use crate::db::schema::sessions;
    let read = web::block(move || {
        site.db.read(|db| {
            Ok(sessions::table.select(sessions::key_hash).limit(1).load::<String>(db)?.len())
        })
    });
    match read.await {
        Ok(Ok(_)) => HttpResponse::Ok().body("ready"),
        _ => HttpResponse::ServiceUnavailable()
            .insert_header((header::RETRY_AFTER, "5"))
            .body("not ready"),
    }
}

/// Serves the site on a listener that is bound already. Must be called inside an actix or tokio runtime;
/// the server ends gracefully on SIGTERM and SIGINT, or through its handle.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(
    site: Arc<Site>,
    tables: &[&'static [Route]],
    listener: TcpListener,
    workers: usize,
) -> io::Result<Server> {
    let tables = tables.to_vec();
    let swept = Arc::downgrade(&site);
    actix_web::rt::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_secs(60));
        loop {
            every.tick().await;
            let Some(site) = swept.upgrade() else { break };
            site.limits.sweep();
        }
    });
    let server =
        HttpServer::new(move || App::new().configure(configure(Arc::clone(&site), &tables)))
            .workers(workers)
            .client_request_timeout(Duration::from_secs(15))
            .shutdown_timeout(15)
            .listen(listener)?;
    Ok(server.run())
}
