//! Books of a real node with real contracts.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on has failed

mod node;

use node::Node;
use node::crowd::Scene;
use plimsoll_chain::fetch::{Request, Venue, fetch};
use plimsoll_io::export::Form;
use std::path::PathBuf;

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-chain-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn request(scene: &Scene, state: PathBuf) -> Request {
    Request {
        block: None,
        chain: Some(31337),
        first: None,
        owners: Vec::new(),
        venues: vec![Venue::AaveV3(scene.aave.pool), Venue::MorphoBlue(scene.morpho.at, Vec::new())],
        form: Some(Form::Csv),
        state,
    }
}

#[test]
fn a_book_is_the_chain() {
    let begun = std::time::Instant::now();
    let node = Node::start();
    let scene = Scene::made(&node, 320);
    eprintln!("scene {:?}, {} reverted", begun.elapsed(), node.reverted.get());
    let folder = scratch("whole");
    let fetched = fetch(&node.client, &request(&scene, folder.join("state")), &mut |at| eprintln!("{at:?}"));
    let fetched = fetched.unwrap_or_else(|error| panic!("{} {error}", error.code()));
    eprintln!("fetched {:?} {} {:?}", begun.elapsed(), fetched.accounts, fetched.asked);
    fetched.save(&folder.join("book")).unwrap();
}
