//! What rule books ask of whoever lets a program act, and the test that proves each. A test holds that those tests are there.

/// One control.
pub(crate) struct Control {
    /// Where it comes from.
    pub(crate) source: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// The tests that prove it.
    pub(crate) tests: &'static [&'static str],
    /// What of it is not there yet.
    pub(crate) missing: Option<&'static str>,
}

const fn proven(source: &'static str, what: &'static str, tests: &'static [&'static str]) -> Control {
    Control { source, what, tests, missing: None }
}

const fn partly(
    source: &'static str,
    what: &'static str,
    tests: &'static [&'static str],
    missing: &'static str,
) -> Control {
    Control { source, what, tests, missing: Some(missing) }
}

/// All of them, in the order of their sources.
pub(crate) const CONTROLS: &[Control] = &[
    proven(
        "RTS 6 (EU 2017/589) Art. 12",
        "one decision stops everything, or a market, strategy, account or asset; what was not sent is abandoned",
        &[
            "p87_after_a_kill_nothing_is_done_until_it_is_released",
            "p87_after_a_kill_what_was_not_sent_is_not",
        ],
    ),
    proven(
        "RTS 6 Art. 15",
        "price collars on every action that names a price",
        &["a_price_beyond_its_collar_is_no_price_to_act_at"],
    ),
    proven(
        "RTS 6 Art. 15",
        "caps on value, on the number of actions and on depth, over every window",
        &["p88_caps_hold_over_every_window_and_hold_nobody_else"],
    ),
    proven(
        "RTS 6 Art. 15",
        "repeated execution stops a strategy until a named person releases it",
        &["p88_who_repeats_is_stopped_until_a_person_releases"],
    ),
    partly(
        "RTS 6 Art. 9, 10, 11",
        "this report; a material change is shown on the whole book and takes a second person",
        &["a_report_says_how_an_engine_stands", "a_change_takes_two_people"],
        "the last stress run is not in this report",
    ),
    partly(
        "RTS 6 Art. 16, 17, 18",
        "every alert reaches delivered or failed in the log; only named people approve and release",
        &["alerts_are_told_again_until_they_arrive", "a_change_takes_two_people"],
        "reconciliation with a venue is the caller's",
    ),
    proven(
        "SEC 15c3-5",
        "caps hold in aggregate, duplicates are one command, and limits cannot be changed by a strategy",
        &[
            "p88_caps_hold_over_every_window_and_hold_nobody_else",
            "p82_the_same_id_is_one_command",
            "a_change_takes_two_people",
        ],
    ),
    proven(
        "SEC 17a-4(f), audit trail",
        "records are only added, chained by SHA-256, and exported as of any of them",
        &[
            "p80_every_flipped_bit_is_told",
            "p81_a_torn_tail_is_cut_and_what_was_durable_is_damage",
            "p79_a_replay_is_the_life",
            "an_export_of_a_liquidation_has_its_grounds",
        ],
    ),
    proven(
        "RTS 25 (EU 2017/574)",
        "every record has its number, its UTC time in nanoseconds and how far the clock is known to be off; a clock that goes back is refused",
        &["p46_the_clock_does_not_go_back", "the_clocks_offset_stands_in_records"],
    ),
    proven(
        "EMIR RTS 153/2013 Art. 28",
        "margins carry tools against procyclicality and say what they did; calls are made by them",
        &["margins_say_what_they_did_and_a_limit_what_it_adds", "a_margin_is_a_level_of_calls"],
    ),
    partly(
        "BCBS-CPMI-IOSCO d590",
        "what-if for whoever posts margin; every override has a name in the log, and every kill and impairment a reason",
        &["a_report_says_how_an_engine_stands"],
        "what-if answers on books, not yet on a running engine",
    ),
    proven(
        "DORA Art. 12",
        "backups are proven, restored into a folder of their own, and noted",
        &["a_backup_is_proven_and_restored_and_noted"],
    ),
];
