//! Buffers keep what they promise, and a policy that takes longer comes late more often.

use super::*;

/// Half of the debt of a treasury's account, repaid as the buffer says: its chance is then within the limit, but for the paths' error.
#[test]
fn a_buffer_keeps_the_chance_that_it_promises() {
    let book = example("treasury");
    let history = history(&book, 0.05, &[]);
    let setting = Setting { paths: 1200, days: vec![7, 20], ..setting() };
    let place = crate::account(&book, "alice").expect("an account");
    let policy = Policy { trigger: 1.1, target: 1.6, delay: 43_200, gas: 50.0 };
    let ask = BufferAsk { limits: vec![0.02], policy: Some(policy), carry: Some(0.05) };
    let answer = buffer(&book, &history, &setting, place, &ask).expect("a buffer");
    let mut asked = 0;
    for need in &answer.needs {
        let Ok(health) = &need.health else { panic!("{need:?}") };
        let Some(ways) = &need.ways else {
            assert!(answer.chances.health.is_some_and(|now| *health <= now), "{need:?}");
            continue;
        };
        let enough = ways.repayments[0].enough.as_ref().expect("a repayment that will do");
        let mut after = book.clone();
        let market = after.accounts[place].market;
        let debt = ways.repayments[0].instrument;
        let action =
            plimsoll_core::Action::Repay { debt, amount: plimsoll_core::Amount::Assets(enough.amount) };
        let mut world = crate::world::World { book: after };
        let effects = world.act(place, action).expect("it is repaid");
        world.apply(market, &effects).expect("it is done");
        after = world.book;
        let then = self::asked(&after, &history, &setting, "alice");
        let model = then.models.iter().find(|model| model.kind == need.kind).expect("the model");
        let at = setting.days.iter().position(|days| *days == need.days).expect("the horizon");
        let chance = model.chances.as_ref().expect("chances")[at];
        // The same paths; amounts are whole units and health is told in six digits.
        assert!(chance.estimate.chance <= need.limit + 1e-3, "{need:?} {chance:?}");
        assert!(chance.estimate.chance >= need.limit - 6e-3, "{need:?} {chance:?}");
        assert!(need.capital.is_some_and(|capital| capital > 0.0) && need.cost.is_some());
        asked += 1;
    }
    assert!(asked >= 4, "{asked}");
    let policy = answer.policy.expect("a policy");
    assert!(
        policy[1].without.chance > 0.0 && policy[1].top_ups > 0.0 && policy[1].repaid > 0.0,
        "{policy:?}"
    );
}

/// A call that is on its way when a look is taken has not arrived by it: a second takes as long as a whole look, and one more as two.
#[test]
fn a_top_up_that_takes_longer_is_late_more_often() {
    let book = example("treasury");
    let history = history(&book, 0.05, &[]);
    let setting = Setting { paths: 1200, days: vec![7, 20], ..setting() };
    let place = crate::account(&book, "alice").expect("an account");
    let late = |delay: u64| {
        let policy = Policy { trigger: 1.1, target: 1.6, delay, gas: 50.0 };
        let ask = BufferAsk { limits: Vec::new(), policy: Some(policy), carry: None };
        let answer = buffer(&book, &history, &setting, place, &ask).expect("a buffer");
        let policy = answer.policy.expect("a policy");
        assert!(policy.iter().all(|one| one.late.chance <= one.without.chance), "{policy:?}");
        policy.iter().map(|one| one.late.chance).collect::<Vec<_>>()
    };
    let look = setting.look;
    let [none, one, four, twenty] = [0, look, 4 * look, 20 * look].map(late);
    assert!(
        none[1] < one[1] && one[1] < four[1] && four[1] < twenty[1],
        "{none:?} {one:?} {four:?} {twenty:?}"
    );
    assert_eq!(late(1), one);
    assert_eq!(late(look + 1), late(2 * look));
}
