// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.19;

/// A token that anybody may mint.
contract Token {
    string public symbol;
    string public name;
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory symbol_, uint8 decimals_) {
        symbol = symbol_;
        name = symbol_;
        decimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        return move(from, to, amount);
    }

    function move(address from, address to, uint256 amount) private returns (bool) {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
        return true;
    }
}

/// A price feed with the reading functions of Chainlink's aggregators, set by anybody.
contract Feed {
    uint8 public constant decimals = 8;
    int256 public latestAnswer;
    uint256 public latestTimestamp;

    constructor(int256 answer) {
        set(answer);
    }

    function set(int256 answer) public {
        latestAnswer = answer;
        latestTimestamp = block.timestamp;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, latestAnswer, latestTimestamp, latestTimestamp, 1);
    }
}

/// The part of Multicall3's interface that reading needs.
contract Aggregator {
    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; i++) {
            (results[i].success, results[i].returnData) = calls[i].target.call(calls[i].callData);
            require(calls[i].allowFailure || results[i].success, "a call failed");
        }
    }
}

interface IPool {
    function supply(address asset, uint256 amount, address onBehalfOf, uint16 code) external;
}

/// Lends on behalf of many accounts at once.
contract Crowd {
    constructor(Token[] memory tokens, address by) {
        for (uint256 i = 0; i < tokens.length; i++) {
            tokens[i].mint(address(this), type(uint128).max);
            tokens[i].approve(by, type(uint256).max);
        }
    }

    function lend(IPool pool, address asset, uint256 amount, uint256 from, uint256 count) external {
        for (uint256 i = from; i < from + count; i++) {
            pool.supply(asset, amount + i, address(uint160(uint256(keccak256(abi.encode(i))))), 0);
        }
    }
}

struct Market {
    address loan;
    address collateral;
    address oracle;
    address model;
    uint256 lltv;
}

struct Totals {
    uint128 supplied;
    uint128 supplyShares;
    uint128 borrowed;
    uint128 borrowShares;
    uint128 updated;
    uint128 fee;
}

/// A rate model with the functions and the published formulas of Morpho's adaptive curve, which no package has. Everything is
/// wad; every division is toward zero. That these are the deployed model's numbers the recorded vectors prove.
contract AdaptiveCurve {
    int256 constant WAD = 1e18;
    int256 constant TARGET = 0.9e18;
    int256 constant YEAR = 365 days;
    int256 constant LN2 = 0.693147180559945309e18;

    mapping(bytes32 => int256) public rateAtTarget;

    function borrowRate(Market calldata market, Totals calldata totals) external returns (uint256) {
        bytes32 id = keccak256(abi.encode(market));
        (int256 rate, int256 end) = rates(id, totals);
        rateAtTarget[id] = end;
        return uint256(rate);
    }

    function borrowRateView(Market calldata market, Totals calldata totals) external view returns (uint256) {
        (int256 rate, ) = rates(keccak256(abi.encode(market)), totals);
        return uint256(rate);
    }

    function rates(bytes32 id, Totals calldata totals) private view returns (int256, int256) {
        int256 supplied = int256(uint256(totals.supplied));
        int256 used = supplied == 0 ? int256(0) : (int256(uint256(totals.borrowed)) * WAD) / supplied;
        int256 off = ((used - TARGET) * WAD) / (used > TARGET ? WAD - TARGET : TARGET);
        int256 start = rateAtTarget[id];
        int256 mean;
        int256 end;
        if (start == 0) {
            mean = end = 0.04e18 / YEAR;
        } else {
            int256 shift = (((50e18 / YEAR) * off) / WAD) * int256(block.timestamp - uint256(totals.updated));
            (mean, end) = (start, start);
            if (shift != 0) {
                end = moved(start, shift);
                mean = (start + end + 2 * moved(start, shift / 2)) / 4;
            }
        }
        int256 slope = off < 0 ? int256(0.75e18) : int256(3e18);
        return ((((slope * off) / WAD + WAD) * mean) / WAD, end);
    }

    /// The rate times e^shift, between a tenth of a per cent and 200 % a year.
    function moved(int256 start, int256 shift) private pure returns (int256) {
        int256 rate = (start * exponential(shift)) / WAD;
        int256 least = 0.001e18 / YEAR;
        int256 most = 2e18 / YEAR;
        return rate < least ? least : rate > most ? most : rate;
    }

    /// e^x: a power of two, and a series of two terms for the rest.
    function exponential(int256 x) private pure returns (int256) {
        if (x < -41446531673892822312) return 0;
        if (x >= 93859467695000404319) return 57716089161558943949701069502944508345128422502756744429568;
        int256 powers = (x + (x < 0 ? -(LN2 / 2) : LN2 / 2)) / LN2;
        int256 rest = x - powers * LN2;
        int256 series = WAD + rest + (rest * rest) / WAD / 2;
        return powers >= 0 ? series << uint256(powers) : series >> uint256(-powers);
    }
}

/// A rate model that nobody knows.
contract Unheard {
    function borrowRate(Market calldata, Totals calldata) external pure returns (uint256) {
        return 7;
    }

    function borrowRateView(Market calldata, Totals calldata) external pure returns (uint256) {
        return 7;
    }
}
