// Times formatUserSummary of @aave/math-utils on data that is resident, and prints its answers.
// Reads {passes, markets: [{timestamp, reserves, eModes, users: [{mode, reserves}]}]} from the file named first.
'use strict';
const fs = require('fs');
const { formatReserves, formatUserSummary } = require('@aave/math-utils');

const input = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const reference = { marketReferencePriceInUsd: '100000000', marketReferenceCurrencyDecimals: 8 };

// Formatted once: that is not in the time.
const markets = input.markets.map(({ timestamp, reserves, eModes, users }) => ({
  currentTimestamp: timestamp,
  formattedReserves: formatReserves({ reserves, eModes, currentTimestamp: timestamp, ...reference }),
  users,
}));

function pass(see) {
  for (const { currentTimestamp, formattedReserves, users } of markets) {
    for (const user of users) {
      see(formatUserSummary({
        currentTimestamp,
        formattedReserves,
        userReserves: user.reserves,
        userEmodeCategoryId: user.mode,
        ...reference,
      }).healthFactor);
    }
  }
}

const health_factors = [];
pass((health) => health_factors.push(health)); // warms up, too
const ns_per_account = [];
for (let i = 0; i < input.passes; i++) {
  let digits = 0;
  const begun = process.hrtime.bigint();
  pass((health) => { digits += health.length; });
  const took = Number(process.hrtime.bigint() - begun);
  if (digits === 0 && health_factors.length > 0) throw new Error('no answers');
  ns_per_account.push(took / health_factors.length);
}
console.log(JSON.stringify({ ns_per_account, health_factors }));
