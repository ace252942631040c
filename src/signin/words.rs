//! What a browser says of itself, in words for the person who used it.

/// "Firefox on Linux" from the header by which browsers name themselves; what cannot be told is said so.
#[must_use]
pub fn browser(agent: Option<&str>) -> String {
    let Some(agent) = agent.filter(|agent| !agent.is_empty()) else {
        return "Unknown browser".to_owned();
    };
    // The order counts: each browser names those before it, too.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chromium/", "Chromium"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let first = |all: &[(&str, &'static str)]| {
        all.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (first(&BROWSERS), first(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_told_from_each_other() {
        fn says(agent: &str) -> String {
            browser(Some(agent))
        }
        let windows =
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        assert_eq!(says(&format!("{windows} Chrome/130.0 Safari/537.36")), "Chrome on Windows");
        assert_eq!(
            says(&format!("{windows} Chrome/130.0 Safari/537.36 Edg/130.0")),
            "Edge on Windows"
        );
        assert_eq!(
            says("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko Firefox/130.0"),
            "Firefox on Linux"
        );
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1";
        assert_eq!(says(phone), "Safari on iPhone");
        assert_eq!(says("<script>alert(1)</script>"), "Unknown browser");
        assert_eq!(browser(None), "Unknown browser");
    }
}
