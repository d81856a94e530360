// Compiles Morpho Blue and the tests' own contracts. Arguments: the folder of the packages, Own.sol, the file to write.
const fs = require("fs");
const path = require("path");
const [packages, own, out] = process.argv.slice(2);
const solc = require(path.join(packages, "solc"));
const morpho = path.join(packages, "@morpho-org/morpho-blue/src");

const sources = { "Own.sol": { content: fs.readFileSync(own, "utf8") } };
for (const name of ["Morpho.sol", "mocks/IrmMock.sol", "mocks/OracleMock.sol"]) {
  sources[name] = { content: fs.readFileSync(path.join(morpho, name), "utf8") };
}
const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "paris",
  metadata: { bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
};
const found = (name) => ({ contents: fs.readFileSync(path.join(morpho, name), "utf8") });
const input = { language: "Solidity", sources, settings };
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: found }));
const errors = (output.errors || []).filter((error) => error.severity === "error");
if (errors.length > 0) {
  console.error(errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const contracts = {};
for (const file of Object.values(output.contracts)) {
  for (const [name, contract] of Object.entries(file)) {
    const { bytecode, deployedBytecode } = contract.evm;
    if (bytecode.object) contracts[name] = { bytecode: bytecode.object, runtime: deployedBytecode.object };
  }
}
fs.writeFileSync(out + ".part", JSON.stringify(contracts));
fs.renameSync(out + ".part", out);
