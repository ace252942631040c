//! What colleagues hold, as figures: which are shown, and what is suggested. Pure.

use crate::kernel::PackageId;

/// Fewer people than this give no figure and no suggestion (E28).
pub const FEW: i64 = 5;
/// As many packages as are looked at more closely.
pub const LOOKED_AT: usize = 100;

crate::text_enum! {
    /// Whose access is counted, in the order in which one figure is chosen for a package.
    pub enum Peers {
        /// Those who have the same manager.
        Team = "team",
        /// Those who report to the reader.
        Reports = "reports",
        /// Those who have the same title.
        Title = "title",
    }
}

/// How many of some people hold a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Who was counted, without the reader.
    pub peers: Peers,
    /// The package.
    pub package: PackageId,
    /// So many hold it.
    pub have: i64,
    /// Of so many.
    pub of: i64,
}

impl Figure {
    /// Enough people that nobody can be told from the figure, and enough of them hold it that it says something:
    /// two, and a third.
    fn says_something(&self) -> bool {
        self.of >= FEW && self.have >= 2 && self.have * 3 >= self.of
    }

    /// Strokes for people, where there are few enough to draw: how many, of how many.
    #[must_use]
    pub fn strokes(&self) -> Option<(usize, usize)> {
        let (have, of) = (usize::try_from(self.have).ok()?, usize::try_from(self.of).ok()?);
        (of <= 12).then_some((have, of))
    }

    /// "6 of 8 in your team have it".
    #[must_use]
    pub fn words(&self) -> String {
        let (have, of) = (self.have, self.of);
        match self.peers {
            Peers::Team => format!("{have} of {of} in your team have it"),
            Peers::Reports => format!("{have} of {of} who report to you have it"),
            Peers::Title => format!("{have} of {of} with your title have it"),
        }
    }
}

/// What is suggested, the most widespread first: one figure for each package, so that no two figures tell by their
/// difference what one person holds (E28).
#[must_use]
pub fn suggested(figures: Vec<Figure>) -> Vec<Figure> {
    let mut figures: Vec<Figure> = figures.into_iter().filter(Figure::says_something).collect();
    let rank = |peers: Peers| Peers::ALL.iter().position(|p| *p == peers);
    figures.sort_by_key(|figure| (figure.package, rank(figure.peers)));
    figures.dedup_by_key(|figure| figure.package);
    // Shares are compared without fractions.
    figures.sort_by(|a, b| {
        (b.have * a.of).cmp(&(a.have * b.of)).then_with(|| a.package.cmp(&b.package))
    });
    figures.truncate(LOOKED_AT);
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(peers: Peers, package: PackageId, have: i64, of: i64) -> Figure {
        Figure { peers, package, have, of }
    }

    #[test]
    fn e28_groups_under_five_people_suggest_nothing() {
        let package = PackageId::fresh();
        assert!(suggested(vec![figure(Peers::Team, package, 4, 4)]).is_empty());
        let shown = suggested(vec![figure(Peers::Team, package, 4, 5)]);
        assert_eq!(shown[0].words(), "4 of 5 in your team have it");
    }

    #[test]
    fn e28_a_package_has_one_figure_only() {
        let [one, two] = [PackageId::fresh(), PackageId::fresh()];
        let shown = suggested(vec![
            figure(Peers::Title, one, 20, 20),
            figure(Peers::Team, one, 3, 8),
            figure(Peers::Title, two, 9, 10),
            figure(Peers::Team, two, 2, 4),
        ]);
        assert_eq!(shown, [figure(Peers::Title, two, 9, 10), figure(Peers::Team, one, 3, 8)]);
        assert_eq!(shown[0].words(), "9 of 10 with your title have it");
    }

    #[test]
    fn what_hardly_anybody_holds_is_no_suggestion() {
        let package = PackageId::fresh();
        for (have, of) in [(1, 5), (2, 7), (33, 100), (0, 50)] {
            assert!(suggested(vec![figure(Peers::Team, package, have, of)]).is_empty(), "{have}");
        }
        assert_eq!(suggested(vec![figure(Peers::Reports, package, 2, 6)]).len(), 1);
    }
}
