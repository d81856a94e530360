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
