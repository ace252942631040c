//! The server around the routes. Here actix ends: a request becomes a `Cx`, a `Reply` becomes a response.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Server;
use actix_web::guard;
use actix_web::http::{self, StatusCode, header};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use diesel::prelude::*;
use tokio::sync::mpsc;

use super::cookies::Cookies;
use super::cx::{Asked, Cx};
use super::form::{FORM_MAX, Form};
use super::reply::{Body, stream};
use super::routes::{Method, NOT_FOUND, Pages, Route};
use super::session::Handover;
use super::{assets, gate, headers, session};
use crate::site::Site;

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
                .service(web::resource("/static/{file:.*}").route(shown().to(file)))
                .service(web::resource("/healthz").route(shown().to(health)))
                .service(web::resource("/readyz").route(shown().to(readiness)))
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
                resource.route(serve().guard(get_or_head()))
            }
            Method::Post => {
                allowed.push("POST");
                resource.route(serve().guard(guard::Post()))
            }
        };
    }
    resource.default_service(handler(site, pages, &NOT_FOUND, Some(allowed.join(", "))))
}

fn get_or_head() -> impl guard::Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

fn shown() -> actix_web::Route {
    web::route().guard(get_or_head())
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
                cx.asked.allowed = allowed;
                if route.method == Method::Post {
                    match body(&request, payload).await {
                        Ok(form) => cx.form = form,
                        Err(status) => cx.asked.unreadable = Some(status),
                    }
                }
                answer(cx, route, &jar).await
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
        post: request.method() == http::Method::POST,
        head: request.method() == http::Method::HEAD,
        path: request.path().to_owned(),
        query_text: request.query_string().to_owned(),
        query: Form::parse(request.query_string().as_bytes()),
        parts: parts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        fetch_site: text("sec-fetch-site"),
        origin: text("origin"),
        referer: text("referer"),
        peer: peer(&site, request),
        agent: text("user-agent").map(|header| Asked::agent(&header)),
        trouble,
        ..Asked::default()
    };
    let cookies = Cookies(&site);
    let (notice, attempt) = (cookies.notice(request), cookies.attempt(request));
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
    let forwarded =
        request.headers().get_all("x-forwarded-for").last().and_then(|text| text.to_str().ok());
    let last = forwarded.and_then(|text| text.rsplit(',').next());
    Some(last.and_then(|text| text.trim().parse().ok()).unwrap_or(peer))
}

/// Nobody needs longer to send a form.
const BODY_TIME: Duration = Duration::from_secs(30);

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
    match tokio::time::timeout(BODY_TIME, payload.to_bytes_limited(FORM_MAX)).await {
        Ok(Ok(Ok(bytes))) => Ok(Form::parse(&bytes)),
        Ok(Err(_)) => Err(413),
        Ok(Ok(Err(_))) | Err(_) => Err(400),
    }
}

async fn answer(mut cx: Cx, route: &'static Route, jar: &actix_session::Session) -> HttpResponse {
    let start = Instant::now();
    let made = web::block(move || {
        let (reply, handover) = gate::answer(&mut cx, route);
        let cookies = Cookies(&cx.site).written(&cx, &reply);
        let location = location(&cx.site, &reply.body);
        tracing::info!(
            target: "keyholder::access",
            method = cx.asked.method(),
            path = cx.path(),
            status = reply.status,
            ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
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
            let own = |url: &url::Url| url.origin() == site.public_url.origin();
            let url = site.public_url.join(path).ok().filter(own);
            Some(url.map_or_else(|| "/".to_owned(), |url| url[url::Position::BeforePath..].into()))
        }
        Body::Leave(url) => Some(url.clone()),
        _ => None,
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
    tokio::spawn(async move {
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
