//! What can be read in the HTML of a page.

use std::collections::{BTreeMap, BTreeSet};

use scraper::{ElementRef, Html, Selector};

use super::table::Table;
use super::{Seen, route_of};
use keyholder::web::Method;

/// Everything of one page.
pub fn check(table: &mut Table, user: &str, path: &str, body: &str) {
    let html = Html::parse_document(body);
    let page = Read { html: &html, path };
    for (row, look) in looks() {
        table.look(row, user, path, &look(&page));
    }
}

type Look<'a> = fn(&Read<'a>) -> Vec<String>;

/// Each row with what looks at it.
fn looks<'a>() -> [(&'static str, Look<'a>); 26] {
    [
        ("A1", Read::title),
        ("A2", Read::landmarks),
        ("A3", Read::headings),
        ("A5", Read::help),
        ("A6", Read::link_names),
        ("A7", Read::valid),
        ("B1", Read::labels),
        ("B2", Read::novalidate),
        ("B10", Read::primary),
        ("B11", Read::disabled),
        ("C3", Read::danger),
        ("C5", Read::tokens),
        ("C6", Read::chosen),
        ("D2", Read::banners),
        ("D4", Read::marks),
        ("D6", Read::empty),
        ("D7", Read::times),
        ("E1", Read::tables),
        ("E2", Read::sorted),
        ("E4", Read::filters),
        ("E6", Read::button_names),
        ("H1", Read::language),
        ("I3", Read::complete),
        ("I5", Read::inline),
        ("A4", Read::current),
        ("B7", Read::error_words),
    ]
}

/// What all pages of one of the cast have in common.
pub fn check_walk(table: &mut Table, user: &str, all: &[Seen]) {
    let mut titles: BTreeMap<String, &str> = BTreeMap::new();
    let mut menu: Option<Vec<String>> = None;
    for seen in all.iter().filter(|seen| seen.page.status == 200) {
        let html = Html::parse_document(&seen.page.body);
        let path = seen.path.split('?').next().unwrap_or_default();
        let title = select(&html, "title").first().map(|one| shown(*one)).unwrap_or_default();
        let other = *titles.entry(title.clone()).or_insert(path);
        let mut wrong = Vec::new();
        if other != path {
            wrong.push(format!("has the title of {other}: {title:?}"));
        }
        table.look("A1", user, &seen.path, &wrong);
        let words = |a: &ElementRef<'_>| {
            let own =
                a.children().filter_map(|node| node.value().as_text().map(|t| t.trim().to_owned()));
            format!("{} {}", own.collect::<String>(), a.attr("href").unwrap_or_default())
        };
        let found: Vec<String> =
            select(&html, "#nav li:not(.only-s) a").iter().map(words).collect();
        let menu = menu.get_or_insert_with(|| found.clone());
        let other =
            if *menu == found { vec![] } else { vec![format!("{found:?}, elsewhere {menu:?}")] };
        table.look("A4", user, &seen.path, &other);
    }
}

/// The rows that the style sheet answers for.
pub fn check_stylesheet(table: &mut Table) {
    let css = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/static/app.css"));
    let css = css.expect("the style sheet");
    let says = |words: &[&str]| -> Vec<String> {
        words.iter().filter(|word| !css.contains(**word)).map(|word| format!("no {word}")).collect()
    };
    table.look(
        "G3",
        "everybody",
        "app.css",
        &says(&["color-scheme: light dark", "light-dark(", "forced-colors"]),
    );
    table.look("G4", "everybody", "app.css", &says(&["prefers-reduced-motion"]));
    let physical = [
        "margin-left",
        "margin-right",
        "padding-left",
        "padding-right",
        "border-left",
        "border-right",
        "text-align: left",
        "text-align: right",
        "float: left",
        "float: right",
    ];
    let wrong: Vec<String> =
        physical.iter().filter(|one| css.contains(**one)).map(|one| (*one).to_owned()).collect();
    table.look("H1", "everybody", "app.css", &wrong);
}

pub fn select<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(selector).expect("a selector")).collect()
}

pub fn within<'a>(element: ElementRef<'a>, selector: &str) -> Vec<ElementRef<'a>> {
    element.select(&Selector::parse(selector).expect("a selector")).collect()
}

/// The words of an element, with single spaces.
pub fn shown(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a screen reader calls it.
fn name(element: ElementRef<'_>) -> String {
    element.attr("aria-label").map_or_else(|| shown(element), str::to_owned)
}

fn above<'a>(element: ElementRef<'a>, tag: &str) -> Option<ElementRef<'a>> {
    element.ancestors().filter_map(ElementRef::wrap).find(|one| one.value().name() == tag)
}

fn line(element: ElementRef<'_>) -> String {
    element.html().chars().take(140).collect()
}

struct Read<'a> {
    html: &'a Html,
    path: &'a str,
}

impl<'a> Read<'a> {
    fn all(&self, selector: &str) -> Vec<ElementRef<'a>> {
        select(self.html, selector)
    }

    fn one(&self, selector: &str, wrong: &mut Vec<String>) {
        let found = self.all(selector).len();
        if found != 1 {
            wrong.push(format!("{found} of {selector}"));
        }
    }

    fn title(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        self.one("h1", &mut wrong);
        self.one("title", &mut wrong);
        let title = self.all("title").first().map(|one| shown(*one)).unwrap_or_default();
        let home = self.path == "/";
        if !title.ends_with(" – Keyholder") || title.len() < 14 || (home && title.contains("Error"))
        {
            wrong.push(format!("the title is {title:?}"));
        }
        wrong
    }

    fn landmarks(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for one in ["body > header", "body > main#main", "body > footer", "nav#nav"] {
            self.one(one, &mut wrong);
        }
        let first = self.all("body a, body button, body input, body select, body textarea");
        if first.first().and_then(|a| a.attr("href")) != Some("#main") {
            wrong.push("the skip link is not first".into());
        }
        wrong
    }

    fn headings(&self) -> Vec<String> {
        let mut before = 0;
        let mut wrong = Vec::new();
        for heading in self.all("h1, h2, h3, h4, h5, h6") {
            let level: usize = heading.value().name()[1..].parse().expect("a level");
            let in_errors =
                above(heading, "div").is_some_and(|div| div.attr("id") == Some("errors"));
            if in_errors {
                continue; // stands before the h1 by rule B3
            }
            if level > before + 1 {
                wrong.push(format!(
                    "{} after h{before}: {}",
                    heading.value().name(),
                    shown(heading)
                ));
            }
            before = level;
        }
        wrong
    }

    fn help(&self) -> Vec<String> {
        let foot = self.all("body > footer > .sheet > span:nth-of-type(2)");
        let help = foot.first().map(|one| shown(*one)).unwrap_or_default();
        if help.starts_with("Help and contact: ") { vec![] } else { vec![format!("{help:?}")] }
    }

    fn link_names(&self) -> Vec<String> {
        let mut places: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for link in self.all("main a[href]") {
            let name = name(link);
            if name.is_empty() {
                return vec![format!("a link without a name: {}", line(link))];
            }
            places.entry(name).or_default().insert(link.attr("href").unwrap_or_default());
        }
        let several = places.into_iter().filter(|(_, places)| places.len() > 1);
        several.map(|(name, places)| format!("{name:?} leads to {places:?}")).collect()
    }

    fn valid(&self) -> Vec<String> {
        let mut wrong: Vec<String> =
            self.html.errors.iter().map(|error| error.to_string()).collect();
        wrong.truncate(3);
        let mut ids = BTreeSet::new();
        for element in self.all("[id]") {
            let id = element.attr("id").unwrap_or_default();
            if !ids.insert(id) || id.is_empty() || id.contains(' ') {
                wrong.push(format!("id {id:?} twice, or none"));
            }
        }
        for element in
            self.all("[aria-describedby], [aria-labelledby], label[for], [form], [popovertarget]")
        {
            for name in ["aria-describedby", "aria-labelledby", "for", "form", "popovertarget"] {
                for id in element.attr(name).unwrap_or_default().split_whitespace() {
                    if !ids.contains(id) {
                        wrong.push(format!("{name} names {id}, which is not there"));
                    }
                }
            }
        }
        wrong
    }

    fn controls(&self) -> Vec<ElementRef<'a>> {
        self.all("input:not([type=hidden]), select, textarea")
    }

    fn labels(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let labels: BTreeSet<&str> =
            self.all("label[for]").iter().filter_map(|one| one.attr("for")).collect();
        for control in self.controls() {
            let own = control.attr("id").is_some_and(|id| labels.contains(id));
            // The unit of a number stands beside it, under the number's label, and says its name to those who do not see that.
            let unit = control.attr("aria-label").is_some()
                && control.parent().and_then(ElementRef::wrap).is_some_and(|beside| {
                    let labeled =
                        |one: &ElementRef<'_>| one.attr("id").is_some_and(|id| labels.contains(id));
                    within(beside, "input").iter().any(labeled)
                });
            if !own && !unit && above(control, "label").is_none() {
                wrong.push(format!("no label: {}", line(control)));
            }
            if control.attr("type") == Some("radio") {
                let group = above(control, "fieldset").map(|group| within(group, "legend").len());
                if group != Some(1) {
                    wrong.push(format!("no legend: {}", line(control)));
                }
            }
        }
        wrong
    }

    fn novalidate(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for form in self.all("form[method=post]") {
            let checked = within(
                form,
                "[required], [min], [max], [pattern], [type=email], [type=date], [type=number]",
            );
            if !checked.is_empty() && form.attr("novalidate").is_none() {
                wrong.push(format!(
                    "the browser would check {}",
                    form.attr("action").unwrap_or_default()
                ));
            }
        }
        wrong
    }

    fn primary(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let all = self.all("main .btn-primary");
        if all.len() > 1 {
            wrong.push(format!("{:?}", all.iter().map(|one| shown(*one)).collect::<Vec<_>>()));
        }
        for button in self.all("main button") {
            if ["", "Submit", "OK", "Yes", "No", "Go"].contains(&name(button).as_str()) {
                wrong.push(format!("a button that says {:?}", name(button)));
            }
        }
        wrong
    }

    fn disabled(&self) -> Vec<String> {
        self.all("button[disabled], input[disabled], [aria-disabled=true]")
            .into_iter()
            .map(line)
            .collect()
    }

    fn danger(&self) -> Vec<String> {
        let all = self.all("main .btn-danger");
        let mut wrong = Vec::new();
        if all.len() > 1 {
            wrong.push(format!("{} red buttons", all.len()));
        }
        wrong.extend(
            all.into_iter()
                .filter(|one| shown(*one).is_empty() || above(*one, "form").is_none())
                .map(line),
        );
        wrong
    }

    fn tokens(&self) -> Vec<String> {
        let forms = self.all("form");
        let without = forms.into_iter().filter(|form| {
            let token = !within(*form, "input[type=hidden][name=csrf]").is_empty();
            token != (form.attr("method") == Some("post"))
        });
        without.map(line).collect()
    }

    fn chosen(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for form in self.all("form[action]") {
            let to = form.attr("action").unwrap_or_default();
            let route = route_of(Method::Post, to).unwrap_or_default();
            if route.starts_with("/approvals/") && form.attr("method") == Some("post") {
                wrong.extend(
                    within(form, "[type=radio][checked], [type=checkbox][checked], [autofocus]")
                        .into_iter()
                        .map(line),
                );
            }
        }
        wrong
    }

    fn banners(&self) -> Vec<String> {
        let found = self.all("main .head > .notice, main .head > .errors").len();
        if found > 1 { vec![format!("{found} banners")] } else { vec![] }
    }

    fn marks(&self) -> Vec<String> {
        let bare =
            |mark: &ElementRef<'_>| within(*mark, "svg").is_empty() || shown(*mark).is_empty();
        self.all(".mark").into_iter().filter(bare).map(line).collect()
    }

    fn empty(&self) -> Vec<String> {
        let mut wrong: Vec<String> = Vec::new();
        for place in self.all(".empty") {
            if within(place, "h1, h2, h3").is_empty() || within(place, "p").is_empty() {
                wrong.push(line(place));
            }
        }
        wrong.extend(
            self.all("table").into_iter().filter(|t| within(*t, "tbody tr").is_empty()).map(line),
        );
        wrong.extend(
            self.all("main ul, main ol")
                .into_iter()
                .filter(|l| within(*l, "li").is_empty())
                .map(line),
        );
        wrong
    }

    fn times(&self) -> Vec<String> {
        let mut wrong: Vec<String> = Vec::new();
        for time in self.all("time") {
            let at = time.attr("datetime").unwrap_or_default();
            let good = at.len() >= 10
                && at.as_bytes()[4] == b'-'
                && (at.len() == 10 || at.contains('Z') || at[10..].contains(['+', '-']));
            if !good {
                wrong.push(format!("datetime={at:?}"));
            }
        }
        for node in self.all("main").into_iter().flat_map(|main| main.descendants()) {
            let Some(text) = node.value().as_text() else { continue };
            let Some(parent) = node.parent().and_then(ElementRef::wrap) else { continue };
            let kept = ["time", "option", "textarea", "bdi", "q", "blockquote"];
            let inside = kept.contains(&parent.value().name())
                || parent.attr("class").is_some_and(|class| class.contains("print-only"))
                || kept.iter().any(|tag| above(parent, tag).is_some());
            // In a sentence, a time is some of its words: "until 2 Jun 2026, 10:00".
            let first =
                text.trim_start().starts_with(|c: char| c.is_ascii_digit() || c.is_uppercase());
            let alone = first && text.split_whitespace().count() <= 5;
            if !inside && alone && is_clock(text) {
                wrong.push(format!("a time outside of <time>: {:?}", text.trim()));
            }
        }
        wrong
    }

    fn tables(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for table in self.all("table") {
            if within(table, "caption").len() != 1 || within(table, "th").is_empty() {
                wrong.push(format!("no caption or head: {}", line(table)));
            }
            wrong.extend(within(table, "th:not([scope])").into_iter().map(line));
        }
        wrong
    }

    fn sorted(&self) -> Vec<String> {
        let sorts = |table: &ElementRef<'_>| !within(*table, "th a[href*='sort=']").is_empty();
        let without = |table: &ElementRef<'_>| within(*table, "th[aria-sort]").len() != 1;
        self.all("table").into_iter().filter(sorts).filter(without).map(line).collect()
    }

    fn filters(&self) -> Vec<String> {
        let mut wrong: Vec<String> = Vec::new();
        for one in self.all(".pager a, .facets a, th a") {
            if one
                .attr("href")
                .is_none_or(|href| href.starts_with('#') || href.starts_with("javascript"))
            {
                wrong.push(line(one));
            }
        }
        wrong.extend(self.all("form[role=search][method=post]").into_iter().map(line));
        wrong
    }

    fn button_names(&self) -> Vec<String> {
        let mut does: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for button in self.all("main form button") {
            let Some(form) = above(button, "form") else { continue };
            let to = button.attr("formaction").or(form.attr("action")).unwrap_or_default();
            let mut fields: Vec<String> = within(form, "input[type=hidden]:not([name=csrf])")
                .iter()
                .map(|one| format!("{:?}={:?}", one.attr("name"), one.attr("value")))
                .collect();
            fields.push(format!("{:?}", button.attr("value")));
            does.entry(name(button)).or_default().insert(format!("{to} {}", fields.join("&")));
        }
        let several = does.into_iter().filter(|(_, does)| does.len() > 1);
        several.map(|(name, does)| format!("{name:?} does {does:?}")).collect()
    }

    fn language(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        self.one("html[lang][dir]", &mut wrong);
        wrong
    }

    fn complete(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.all("main").first().is_none_or(|main| shown(*main).len() < 30) {
            wrong.push("nothing to read".into());
        }
        for form in self.all("form") {
            let id = form.attr("id").unwrap_or("-");
            let outside = self.all("button[form]");
            let outside = outside.iter().any(|button| button.attr("form") == Some(id));
            if within(form, "button:not([type=button])").is_empty() && !outside {
                wrong.push(format!("no button: {}", line(form)));
            }
        }
        wrong.extend(self.all("[hidden]:not(.idle) form, main noscript").into_iter().map(line));
        wrong
    }

    fn inline(&self) -> Vec<String> {
        let mut wrong: Vec<String> =
            self.all("style, script:not([src]), [style]").into_iter().map(line).collect();
        for element in self.all("*") {
            if element.value().attrs().any(|(name, _)| name.starts_with("on")) {
                wrong.push(line(element));
            }
        }
        let foreign = |one: &ElementRef<'_>| {
            let to = one.attr("src").or(one.attr("href")).unwrap_or_default();
            to.starts_with("http") || to.starts_with("//")
        };
        wrong.extend(self.all("[src], link[href]").into_iter().filter(foreign).map(line));
        wrong
    }

    fn current(&self) -> Vec<String> {
        let marked = self.all("#nav [aria-current]").len();
        if marked > 1 { vec![format!("{marked} places are marked")] } else { vec![] }
    }

    fn error_words(&self) -> Vec<String> {
        let bad = ["invalid", "is wrong", "illegal", "failed to", "must not be blank"];
        let all = self.all("#errors li, .err").into_iter().map(shown);
        all.filter(|words| bad.iter().any(|bad| words.to_lowercase().contains(bad))).collect()
    }
}

/// True where a text holds a time of the day.
fn is_clock(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).any(|at| {
        bytes[at] == b':'
            && at >= 2
            && digit(at - 1)
            && digit(at - 2)
            && digit(at + 1)
            && digit(at + 2)
    })
}
