// SAP's Cloud SDK for JavaScript reads destinations: `node read.js NAME…`. It
// prints for each what a request to it would be made of.
"use strict";
const { buildHeadersForDestination, getDestination } = require("@sap-cloud-sdk/connectivity");

async function read(destinationName) {
  const destination = await getDestination({ destinationName });
  const headers = await buildHeadersForDestination(destination);
  return { url: destination.url, authorization: headers.authorization };
}

Promise.all(process.argv.slice(2).map(read)).then(
  (all) => process.stdout.write(JSON.stringify(all)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
