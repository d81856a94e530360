//! A node of one's own with Aave v3, Morpho Blue and sixty people on it, some of whom a fall of prices has just taken below their line:
//! `cargo run --release -p plimsoll-chain --example node`, then the session of docs/fetch.md.

#[path = "../tests/node/mod.rs"]
mod node;

use node::Node;
use node::crowd::{Scene, person};
use plimsoll_chain::abi::Address;
use plimsoll_core::U256;

fn main() {
    let node = Node::start_at(8545);
    let scene = Scene::made(&node, 60);
    scene.fall(&node, &[(0, 6_500), (1, 6_300), (2, 6_000)], &[(0, 7_000), (2, 8_000)]);
    // Somebody who has what liquidations take, and has approved it.
    let keeper = Address([0xee; 20]);
    let mut funds = Vec::new();
    for asset in 0..scene.aave.reserves.len() {
        for by in [scene.aave.pool, scene.morpho.at] {
            scene.funded(keeper, asset, U256::new(10u128.pow(30)), by, &mut funds);
        }
    }
    node.block(12, &funds);
    println!("export ETH_RPC_URL={}", node.url);
    println!("export POOL={} MORPHO={}", scene.aave.pool, scene.morpho.at);
    println!("export ALICE={} KEEPER={keeper}", person(3));
    println!("# the node is gone with this program: Enter or Ctrl-C ends it");
    let _ = std::io::stdin().read_line(&mut String::new());
}
