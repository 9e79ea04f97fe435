-- What wrk sends: one kind of request, of customers and with events made by arithmetic.
-- Environment: LOAD_KIND, LOAD_TOKEN, LOAD_CUSTOMERS, LOAD_EVENTS (of a body), LOAD_RUN (a name).

local kind = os.getenv("LOAD_KIND")
local customers = tonumber(os.getenv("LOAD_CUSTOMERS"))
local events = tonumber(os.getenv("LOAD_EVENTS"))
local run = os.getenv("LOAD_RUN")
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(_)
  count = 0
  headers = {
    ["Authorization"] = "Bearer " .. os.getenv("LOAD_TOKEN"),
    ["Content-Type"] = kind == "bulk" and "application/x-ndjson" or "application/json",
  }
end

local function customer()
  count = count + 1
  return string.format("customer-%06d", (count * 7919 + number * 104729) % customers)
end

local function event()
  local who = customer()
  return string.format(
    '{"transaction_id":"%s-%d-%d","customer_id":"%s","event_type":"product-%02d",'
      .. '"timestamp":"2025-03-%02dT%02d:00:00Z","properties":{"n":"%d.%03d","region":"eu"}}',
    run, number, count, who, count % 20, 1 + count % 31, count % 23, count % 90, count % 1000
  )
end

local function many(first, between, last)
  local parts = {}
  for at = 1, events do
    parts[at] = event()
  end
  return first .. table.concat(parts, between) .. last
end

local kinds = {
  bare = function() return wrk.format("GET", "/healthz") end,
  customer = function() return wrk.format("GET", "/v1/customers/" .. customer(), headers) end,
  ingest = function() return wrk.format("POST", "/v1/ingest", headers, many("[", ",", "]")) end,
  bulk = function() return wrk.format("POST", "/closedwon/ingest", headers, many("", "\n", "\n")) end,
  net_balance = function()
    local path = "/v1/contracts/customerBalances/getNetBalance"
    return wrk.format("POST", path, headers, '{"customer_id":"' .. customer() .. '"}')
  end,
  balances = function()
    local asked = '","include_contract_balances":true,"include_balance":true}'
    local body = '{"customer_id":"' .. customer() .. asked
    return wrk.format("POST", "/v1/contracts/customerBalances/list", headers, body)
  end,
  drafts = function()
    local path = "/v1/customers/" .. customer() .. "/invoices?status=DRAFT"
    return wrk.format("GET", path, headers)
  end,
}
request = kinds[kind:gsub("_again$", "")]

function done(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, failed.status,
    failed.connect + failed.read + failed.write + failed.timeout,
    latency:percentile(50), latency:percentile(99)
  ))
end
