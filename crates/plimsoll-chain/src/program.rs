//! A program of the EVM that makes many calls in one: for chains where Multicall3 is not, or was not yet at the block.
//!
//! It is never deployed. A node that knows state overrides runs it for one `eth_call` in the place of an account.
//! Its input is calls one after the other, each 20 bytes of address, 4 bytes of length and the data; its output is answers in
//! the same order, each one byte (1 when the call went through), 4 bytes of length and what came back.

use crate::abi::{Address, Call};

/// Where it stands while it runs: 20 bytes that nobody has the key of.
pub(crate) const PLACE: Address = Address(*b"plimsoll reads here.");

/// The program, byte by byte. `[out, in]` beside a line is the stack after it, its top on the right: where the next answer goes
/// in memory, and where the next call is in the input.
pub(crate) const PROGRAM: &[u8] = &[
    0x60, 0x00, 0x60, 0x00, //        PUSH 0, PUSH 0                                [out, in]
    // 4: the next call, or the end.
    0x5b, //                          JUMPDEST
    0x36, 0x81, 0x10, //              CALLDATASIZE, DUP2, LT                        [out, in, in < size]
    0x60, 0x10, 0x57, //              PUSH 16, JUMPI
    0x50, 0x60, 0x00, 0xf3, //        POP, PUSH 0, RETURN                           memory from 0 to out
    0x00, //                          STOP
    // 16: one call.
    0x5b, //                          JUMPDEST
    0x80, 0x60, 0x14, 0x01, 0x35, //  DUP1, PUSH 20, ADD, CALLDATALOAD
    0x60, 0xe0, 0x1c, //              PUSH 224, SHR                                 [out, in, length]
    0x80, 0x82, 0x60, 0x18, 0x01, //  DUP1, DUP3, PUSH 24, ADD
    0x84, 0x60, 0x05, 0x01, 0x37, //  DUP5, PUSH 5, ADD, CALLDATACOPY               the data to out + 5
    0x60, 0x00, 0x60,
    0x00, //        PUSH 0, PUSH 0                                no place for the answer yet
    0x82, 0x85, 0x60, 0x05, 0x01, //  DUP3, DUP6, PUSH 5, ADD                       the data
    0x60, 0x00, //                    PUSH 0                                        no value
    0x86, 0x35, 0x60, 0x60, 0x1c, //  DUP7, CALLDATALOAD, PUSH 96, SHR              the address
    0x5a,
    0xf1, //                    GAS, CALL                                     [out, in, length, ok]
    0x83, 0x53, //                    DUP4, MSTORE8                                 ok to out
    0x3d, 0x60, 0xe0, 0x1b, //        RETURNDATASIZE, PUSH 224, SHL
    0x83, 0x60, 0x01, 0x01,
    0x52, //  DUP4, PUSH 1, ADD, MSTORE                     its length to out + 1
    0x3d, 0x60, 0x00, //              RETURNDATASIZE, PUSH 0
    0x84, 0x60, 0x05, 0x01,
    0x3e, //  DUP5, PUSH 5, ADD, RETURNDATACOPY             the answer to out + 5
    0x01, 0x60, 0x18,
    0x01, //        ADD, PUSH 24, ADD                             [out, in + length + 24]
    0x90, 0x3d, 0x01, //              SWAP1, RETURNDATASIZE, ADD
    0x60, 0x05, 0x01,
    0x90, //        PUSH 5, ADD, SWAP1                            [out + 5 + answer, next]
    0x60, 0x04, 0x56, //              PUSH 4, JUMP
];

/// Calls as the program reads them.
pub(crate) fn input(calls: &[Call]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for call in calls {
        bytes.extend(call.to.0);
        bytes.extend((call.data.len() as u32).to_be_bytes());
        bytes.extend(&call.data);
    }
    bytes
}

/// Its answers: whether each call went through, and what came back. `None` when these are not so many.
pub(crate) fn output(mut bytes: &[u8], count: usize) -> Option<Vec<(bool, Vec<u8>)>> {
    let mut answers = Vec::with_capacity(count);
    while let Some(([ok, length @ ..], rest)) = bytes.split_first_chunk::<5>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (answer, rest) = rest.split_at_checked(length)?;
        answers.push((*ok == 1, answer.to_vec()));
        bytes = rest;
    }
    (bytes.is_empty() && answers.len() == count).then_some(answers)
}
