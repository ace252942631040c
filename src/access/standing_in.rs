//! Who decides in whose place (D34, D45). Pure: periods in, people out.
//!
//! The one who is away keeps their right; nothing is copied. A chain (Ann to Bo, Bo to Cy) is followed link by link:
//! each must run now and hold for the package, and it stops before somebody who may not decide.

use crate::kernel::{PackageId, PersonId, Ts};

/// One period in which somebody stands in for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who is away.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Who stands in.
    pub stand_in: PersonId,
    /// The stand-in's name.
    pub stand_in_name: String,
    /// From when.
    pub starts_at: Ts,
    /// Until when, not included.
    pub ends_at: Ts,
    /// For these packages; none for all.
    pub packages: Option<Vec<PackageId>>,
}

impl Link {
    fn runs(&self, now: Ts) -> bool {
        self.starts_at <= now && now < self.ends_at
    }

    fn covers(&self, package: PackageId) -> bool {
        self.packages.as_ref().is_none_or(|some| some.contains(&package))
    }
}

/// Somebody for whom a person stands in now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandsFor {
    /// Who is away.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Those between the two, where they are away as well; the nearest to the person first.
    pub through: Vec<PersonId>,
    /// For these packages; none for all.
    pub packages: Option<Vec<PackageId>>,
}

impl StandsFor {
    /// True where it holds for this package, and the way to the one who is away leads past nobody who is `out` (D2). What
    /// is of no package is reached by who stands in for all of them.
    #[must_use]
    pub fn reaches(
        &self,
        package: impl Into<Option<PackageId>>,
        out: impl Fn(&PersonId) -> bool,
    ) -> bool {
        let package = package.into();
        let holds = |some: &Vec<PackageId>| package.is_some_and(|one| some.contains(&one));
        let covers = self.packages.as_ref().is_none_or(holds);
        covers && !self.through.iter().any(out)
    }
}

/// For whom this person stands in now, with chains followed: from the stand-in up to everybody who is away.
#[must_use]
pub fn stands_for(me: PersonId, links: &[Link], now: Ts) -> Vec<StandsFor> {
    let mut found = Vec::new();
    up(me, me, &[], None, links, now, &mut found);
    found
}

fn up(
    me: PersonId,
    at: PersonId,
    through: &[PersonId],
    packages: Option<&[PackageId]>,
    links: &[Link],
    now: Ts,
    found: &mut Vec<StandsFor>,
) {
    for link in links.iter().filter(|link| link.stand_in == at && link.runs(now)) {
        // A loop is refused when it is set; if there is one all the same, nobody goes round in it.
        if link.person == me || through.contains(&link.person) {
            continue;
        }
        let packages: Option<Vec<PackageId>> = match (packages, &link.packages) {
            (None, own) => own.clone(),
            (Some(some), None) => Some(some.to_vec()),
            (Some(some), Some(own)) => {
                Some(some.iter().copied().filter(|id| own.contains(id)).collect())
            }
        };
        if packages.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        let here = StandsFor {
            person: link.person,
            name: link.name.clone(),
            through: through.to_vec(),
            packages: packages.clone(),
        };
        found.push(here);
        let further: Vec<PersonId> =
            std::iter::once(link.person).chain(through.iter().copied()).collect();
        up(me, link.person, &further, packages.as_deref(), links, now, found);
    }
}

/// Those who may decide in this person's place now: their stand-in for the package, that one's, and so on. The chain
/// stops before somebody who is excluded.
#[must_use]
pub fn in_place_of(
    person: PersonId,
    package: PackageId,
    links: &[Link],
    now: Ts,
    excluded: &[PersonId],
) -> Vec<(PersonId, String)> {
    let mut seen = vec![person];
    let mut found = Vec::new();
    let mut at = vec![person];
    while let Some(here) = at.pop() {
        let next = links
            .iter()
            .filter(|link| link.person == here && link.runs(now) && link.covers(package));
        for link in next {
            if !seen.contains(&link.stand_in) && !excluded.contains(&link.stand_in) {
                seen.push(link.stand_in);
                found.push((link.stand_in, link.stand_in_name.clone()));
                at.push(link.stand_in);
            }
        }
    }
    found
}

/// Would this link close a circle? `links` are the periods that overlap with it.
#[must_use]
pub fn closes_circle(person: PersonId, stand_in: PersonId, links: &[(PersonId, PersonId)]) -> bool {
    let mut seen = vec![stand_in];
    let mut at = vec![stand_in];
    while let Some(here) = at.pop() {
        if here == person {
            return true;
        }
        for (_, next) in links.iter().filter(|(from, _)| *from == here) {
            if !seen.contains(next) {
                seen.push(*next);
                at.push(*next);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Ts {
        Ts::from_micros(0).plus_hours(hour)
    }

    fn link(person: PersonId, stand_in: PersonId, packages: Option<Vec<PackageId>>) -> Link {
        let (starts_at, ends_at) = (at(1), at(9));
        let (name, stand_in_name) = (person.to_string(), stand_in.to_string());
        Link { person, name, stand_in, stand_in_name, starts_at, ends_at, packages }
    }

    fn both(links: &[Link], now: Ts, person: PersonId, me: PersonId, package: PackageId) -> bool {
        let down = in_place_of(person, package, links, now, &[]);
        let up = stands_for(me, links, now);
        let up = up.iter().any(|s| s.person == person && s.reaches(package, |_| false));
        assert_eq!(down.iter().any(|(id, _)| *id == me), up, "the two ways agree");
        up
    }

    #[test]
    fn d34_a_chain_is_followed_while_each_link_runs_and_holds_for_the_package() {
        let [a, b, c] = [(); 3].map(|()| PersonId::fresh());
        let (one, other) = (PackageId::fresh(), PackageId::fresh());
        let links = [link(a, b, None), link(b, c, Some(vec![one]))];
        assert!(both(&links, at(1), a, c, one), "the start is included");
        assert!(!both(&links, at(9), a, c, one), "the end is not");
        assert!(!both(&links, at(0), a, b, one));
        assert!(!both(&links, at(5), a, c, other) && both(&links, at(5), a, b, other));
        assert_eq!(in_place_of(a, one, &links, at(5), &[b]), [], "it stops before B");
    }

    #[test]
    fn d34_nobody_goes_round_in_a_circle() {
        let [a, b, c] = [(); 3].map(|()| PersonId::fresh());
        assert!(closes_circle(c, a, &[(a, b), (b, c)]));
        assert!(!closes_circle(b, c, &[(a, b)]));
        let links = [link(a, b, None), link(b, c, None), link(c, a, None)];
        assert_eq!(stands_for(c, &links, at(5)).len(), 2);
    }

    /// Up to fourteen periods among six people, also in circles, as no rule would let them be set.
    fn links_among(
        people: &[PersonId],
        packages: &[PackageId],
        dice: &[(usize, usize, usize, i64, i64)],
    ) -> Vec<Link> {
        let one = |&(person, stand_in, some, starts, lasts): &(usize, usize, usize, i64, i64)| {
            let packages = match some {
                0 => None,
                n => Some(packages.iter().copied().take(n).skip(usize::from(n == 3)).collect()),
            };
            let (starts_at, ends_at) = (at(starts), at(starts + lasts));
            Link { starts_at, ends_at, ..link(people[person], people[stand_in], packages) }
        };
        dice.iter().map(one).filter(|link| link.person != link.stand_in).collect()
    }

    proptest::proptest! {
        #[test]
        fn d34_the_two_ways_agree_and_nobody_who_is_excluded_is_reached(
            dice in proptest::collection::vec(
                (0..6_usize, 0..6_usize, 0..4_usize, 0..8_i64, 1..6_i64), 0..14),
            now in 0..10_i64,
            out in proptest::collection::vec(0..6_usize, 0..3),
        ) {
            let people: Vec<PersonId> = (0..6).map(|_| PersonId::fresh()).collect();
            let packages: Vec<PackageId> = (0..3).map(|_| PackageId::fresh()).collect();
            let links = links_among(&people, &packages, &dice);
            let now = at(now);
            let excluded: Vec<PersonId> = out.iter().map(|n| people[*n]).collect();
            for person in &people {
                for package in &packages {
                    let down = in_place_of(*person, *package, &links, now, &excluded);
                    for me in &people {
                        let found = down.iter().any(|(id, _)| id == me);
                        proptest::prop_assert!(!found || !excluded.contains(me));
                        let up = stands_for(*me, &links, now);
                        let up = up.iter().any(|s| {
                            s.person == *person
                                && s.reaches(*package, |id| excluded.contains(id))
                                && !excluded.contains(me)
                        });
                        proptest::prop_assert_eq!(found, up);
                    }
                }
            }
        }
    }
}
