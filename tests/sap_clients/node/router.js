// SAP's approuter with every path leading to one destination: `node router.js NAME
// FOLDER`. It prints its port when it listens and ends with its standard input.
"use strict";
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const approuter = require("@sap/approuter");

const [destination, workingDir] = process.argv.slice(2);
const routes = [{ source: "^/(.*)$", target: "$1", destination, authenticationType: "none" }];
const configuration = { authenticationMethod: "none", routes };
fs.writeFileSync(path.join(workingDir, "xs-app.json"), JSON.stringify(configuration));
process.stdin.on("end", () => process.exit()).resume();

// The approuter takes no port 0.
const free = net.createServer().listen(0, "127.0.0.1", () => {
  const { port } = free.address();
  free.close(() => {
    approuter().start({ port, workingDir }, (error) => {
      if (error) throw error;
      console.log(`listens on ${port}`);
    });
  });
});
