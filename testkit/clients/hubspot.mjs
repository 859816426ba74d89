// Checks the HubSpot simulator with HubSpot's own Node client: exits 0 if every answer is what the client and
// HubSpot's documentation expect, 1 with one line per mismatch.
//
// usage: node hubspot.mjs [BASE_URL] [CONTROL_URL] [TOKEN]
//   BASE_URL     where the client sends its calls; default http://127.0.0.1:9101. A validating proxy can sit here.
//   CONTROL_URL  the simulator itself, for /_sim; default BASE_URL.
// needs: Node 20+, and `npm install @hubspot/api-client` done in the current directory (or PROXY_ONLY=contacts or
// =properties to leave out the calls that the other document of a proxy does not know). It resets the simulator.
import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";

const require = createRequire(`${process.cwd()}/`);
const { Client } = require("@hubspot/api-client");

const basePath = process.argv[2] ?? "http://127.0.0.1:9101";
const control = `${process.argv[3] ?? basePath}/_sim`;
const accessToken = process.argv[4] ?? "pat-na1-00000000-0000-4000-8000-000000000001";
const only = process.env.PROXY_ONLY;
const client = new Client({ accessToken, basePath, numberOfApiCallRetries: 0 });
const batch = client.crm.contacts.batchApi;
const basic = client.crm.contacts.basicApi;

let checks = 0;
let mismatches = 0;
function expect(what, actual, expected) {
  checks += 1;
  if (!isDeepStrictEqual(actual, expected)) {
    mismatches += 1;
    console.error(`MISMATCH ${what}: got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
  }
}
async function refusal(call) {
  try {
    await call();
    return { code: 0 };
  } catch (error) {
    if (error.code === undefined) throw error;
    return { code: error.code, body: error.body };
  }
}
async function sim(method, path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(control + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  const text = await answer.text();
  return text ? JSON.parse(text) : undefined;
}
const lead = (n, properties = {}) => ({
  id: `lead_${n}`,
  idProperty: "lead_key",
  objectWriteTraceId: `trace-${n}`,
  properties: { email: `Person.${n}@Example.com`, firstname: `P${n}`, lead_key: `lead_${n}`, ...properties },
});
const byTrace = (answer) => new Map(answer.results.map((record) => [record.objectWriteTraceId, record]));
const definition = {
  name: "lead_key", label: "Lead key", type: "string", fieldType: "text", groupName: "contactinformation",
  hasUniqueValue: true,
};

async function properties() {
  const api = client.crm.properties.coreApi;
  const made = await api.create("contacts", definition);
  expect("property", [made.name, made.hasUniqueValue, made.archived], ["lead_key", true, false]);
  const again = await refusal(() => api.create("contacts", definition));
  expect("property again", [again.code, again.body?.category], [409, "OBJECT_ALREADY_EXISTS"]);
  const status = await api.getByName("contacts", "hs_lead_status");
  expect("choices", status.options.some((option) => option.value === "OPEN_DEAL"), true);
  const all = await api.getAll("contacts");
  expect("properties", all.results.some((property) => property.name === "lead_key"), true);
  const groups = await client.crm.properties.groupsApi.getAll("contacts");
  expect("groups", groups.results.some((group) => group.name === "contactinformation"), true);
  await api.update("contacts", "lead_key", { label: "Key of the lead" });
  await api.archive("contacts", "lead_key");
  const gone = await refusal(() => api.getByName("contacts", "lead_key"));
  expect("archived property", [gone.code, gone.body?.category], [404, "OBJECT_NOT_FOUND"]);
  const back = await api.create("contacts", definition);
  expect("restored property", [back.hasUniqueValue, back.archived], [true, false]);
}

async function upserts() {
  const made = await batch.upsert({ inputs: [1, 2, 3, 4, 5].map((n) => lead(n)) });
  const records = byTrace(made);
  expect("upsert", [made.status, made.results.length, made.numErrors], ["COMPLETE", 5, undefined]);
  for (let n = 1; n <= 5; n += 1) {
    const record = records.get(`trace-${n}`);
    expect(`upsert ${n}`, [record?._new, record?.properties.email], [true, `person.${n}@example.com`]);
  }
  const changed = byTrace(await batch.upsert({ inputs: [lead(1, { city: "Rome" })] })).get("trace-1");
  expect("second upsert", [changed._new, changed.id, changed.properties.city],
    [false, records.get("trace-1").id, "Rome"]);
  const mixed = await batch.upsert({ inputs: [lead(6, { email: "nobody" }), lead(7), lead(8, { nope: "x" })] });
  expect("partial", [mixed.results.length, mixed.numErrors], [1, 2]);
  const blamed = mixed.errors.map((error) => error.context.objectWriteTraceId[0]).sort();
  expect("blamed rows", blamed, ["trace-6", "trace-8"]);
  const bare = [lead(9), lead(10, { email: "nobody" })].map(({ objectWriteTraceId, ...row }) => row);
  const whole = await refusal(() => batch.upsert({ inputs: bare }));
  expect("without trace ids", [whole.code, whole.body?.category, whole.body?.errors?.[0]?.code],
    [400, "VALIDATION_ERROR", "INVALID_EMAIL"]);
  const twice = await refusal(() => batch.upsert({ inputs: [lead(9), lead(9)] }));
  expect("twice in one batch", [twice.code, twice.body?.context?.ids], [400, ["lead_9"]]);
  const taken = await refusal(() => batch.upsert({ inputs: [lead(9), lead(11, { email: "person.1@example.com" })] }));
  expect("taken address", [taken.code, taken.body?.category, taken.body?.message],
    [409, "CONFLICT", `Contact already exists. Existing ID: ${records.get("trace-1").id}`]);
  const many = await refusal(() => batch.upsert({ inputs: Array.from({ length: 101 }, (_, n) => lead(1000 + n)) }));
  // A proxy with HubSpot's document stops such a request itself, with 422.
  expect("101 inputs", many.code, only === undefined ? 400 : 422);
  return records;
}

async function reads(records) {
  const ask = (idProperty, ids) =>
    batch.read({ idProperty, properties: ["email", "lead_key"], propertiesWithHistory: [],
      inputs: ids.map((id) => ({ id })) });
  const byEmail = await ask("email", ["PERSON.2@example.com", "nobody@example.com"]);
  expect("by e-mail", byEmail.results.map((record) => record.properties.lead_key), ["lead_2"]);
  expect("miss", [byEmail.numErrors, byEmail.errors?.[0]?.category], [1, "OBJECT_NOT_FOUND"]);
  const byKey = await ask("lead_key", ["lead_3", "lead_4"]);
  expect("by key", byKey.results.map((record) => record.properties.lead_key).sort(), ["lead_3", "lead_4"]);
  const id = records.get("trace-1").id;
  const updated = await batch.update({ inputs: [{ id, properties: { phone: "+39 06 1" } }] });
  expect("update", updated.results[0].properties.phone, "+39 06 1");
  const one = await basic.getById(id, ["email", "phone"]);
  expect("get", [one.properties.email, one.properties.phone], ["person.1@example.com", "+39 06 1"]);
  const patched = await basic.update("person.1@example.com", { properties: { city: "" } }, "email");
  expect("patch by e-mail", [patched.id, patched.properties.city ?? null], [id, null]);
  const found = await client.crm.contacts.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: "lead_key", operator: "EQ", value: "lead_5" }] }],
    properties: ["email"], limit: 10, after: "0", sorts: [],
  });
  expect("search", [found.total, found.results[0]?.properties.email], [1, "person.5@example.com"]);
  const merged = await basic.merge({ primaryObjectId: id,
    objectIdToMerge: records.get("trace-2").id });
  const followed = await basic.getById(records.get("trace-2").id);
  expect("merged id", followed.id, merged.id);
  await basic.archive(records.get("trace-3").id);
  await basic.purge({ objectId: records.get("trace-4").id });
}

async function limits() {
  await sim("POST", "/faults", { route: "batch_upsert", times: 1,
    answer: { rate_limited: { policy: "ten_secondly_rolling" } } });
  const limited = await refusal(() => batch.upsert({ inputs: [lead(20)] }));
  expect("429", [limited.code, limited.body?.policyName], [429, "TEN_SECONDLY_ROLLING"]);
  // The retry setting of the newest client holds for all of them.
  const impatient = new Client({ accessToken, basePath, numberOfApiCallRetries: 3 });
  await sim("POST", "/faults", { route: "batch_upsert", times: 2, answer: { status: { status: 500 } } });
  const retried = await impatient.crm.contacts.batchApi.upsert({ inputs: [lead(20)] });
  expect("retried by the client", retried.results.length, 1);
  await sim("POST", "/faults", { times: 1, answer: { rate_limited: { policy: "daily" } } });
  const daily = await refusal(() => impatient.crm.contacts.batchApi.upsert({ inputs: [lead(21)] }));
  expect("daily limit", [daily.code, daily.body?.policyName], [429, "DAILY"]);
  const wrong = new Client({ accessToken: "pat-na1-wrong", basePath });
  const denied = await refusal(() => wrong.crm.contacts.basicApi.getPage());
  expect("401", [denied.code, denied.body?.category], [401, "INVALID_AUTHENTICATION"]);
}

await sim("POST", "/reset");
const [portal] = await sim("GET", "/portals");
if (only !== "contacts") await properties();
if (only === "contacts") await sim("POST", `/portals/${portal.portal_id}/properties`, { name: "lead_key", type: "string", unique: true });
if (only !== "properties") {
  const records = await upserts();
  await reads(records);
}
if (only === undefined) {
  await limits();
  const details = await (await client.apiRequest({ path: "/account-info/v3/details" })).json();
  const [raw] = (await (await client.apiRequest({ path: "/crm/v3/objects/contacts?limit=1" })).json()).results;
  // The client's own models leave `url` out.
  expect("link", raw.url, `https://${details.uiDomain}/contacts/${details.portalId}/record/0-1/${raw.id}`);
  expect("account", [details.portalId, details.uiDomain], [portal.portal_id, portal.ui_domain]);
}
console.log(`${checks} checks, ${mismatches} mismatches`);
process.exit(mismatches === 0 ? 0 : 1);
