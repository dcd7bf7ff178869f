// Prints the progress of a job: node watch.mjs 127.0.0.1:50051 jobs/3f0c9d2e5b7a8146
//
// TFSTYLE_TOKEN is the token, where the server asks for one. TFSTYLE_TLS_CA is a PEM file with the authorities to
// trust, where the server has TLS.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const contract = protoLoader.loadSync("tfstyle/v1/style_transfer.proto", {
  // The contract imports google/rpc/status.proto, which is in `include`; or give your own copy of googleapis. The
  // loader has google/protobuf/*.proto itself.
  includeDirs: [here("../../protos"), here("include")],
  keepCase: true, // names as in the contract
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true, // `message.event` names the field that is set
});
const { StyleTransfer } = grpc.loadPackageDefinition(contract).tfstyle.v1;

const [address, name] = process.argv.slice(2);
const { TFSTYLE_TOKEN: token, TFSTYLE_TLS_CA: authorities } = process.env;
const credentials = authorities ? grpc.credentials.createSsl(readFileSync(authorities)) : grpc.credentials.createInsecure();
const client = new StyleTransfer(address, credentials);
const metadata = new grpc.Metadata();
if (token) metadata.set("authorization", `Bearer ${token}`);

/** The events of the job until it has ended, across restarts of the server. */
async function* watch() {
  let after = 0;
  let oldest = 1;
  while (true) {
    try {
      for await (const message of client.WatchJob({ name, after_sequence: after }, metadata)) {
        // The first message is the job's state, which is not counted as an event.
        if (message.event === "job") oldest = message.job.oldest_sequence;
        else after = message.sequence;
        yield message;
      }
      return;
    } catch (error) {
      if (error.code === grpc.status.OUT_OF_RANGE && after < oldest - 1) {
        after = oldest - 1; // events before this one are no longer kept
      } else if (error.code === grpc.status.UNAVAILABLE) {
        console.error(`waiting for the server: ${error.details}`);
        await sleep(1000);
      } else {
        throw error;
      }
    }
  }
}

try {
  for await (const message of watch()) {
    if (message.event === "progress") {
      const { evaluation, max_evaluations: most, losses } = message.progress;
      console.log(`${evaluation}/${most}  ${losses.total.toFixed(2)}`);
    } else if (message.event === "result") {
      console.log(`done: ${message.result.width} x ${message.result.height} pixels`);
    } else if (message.event === "failed" || message.event === "cancelled") {
      const { message: error, reason } = message[message.event];
      console.error(`${message.event}: ${error ?? reason}`);
      process.exitCode = 1;
    }
  }
} catch (error) {
  console.error(error.details ?? error);
  process.exitCode = 1;
} finally {
  client.close();
}
