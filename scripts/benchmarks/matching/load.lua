-- What wrk asks: matches of people drawn at random, three in ten of them strangers; or a plain GET. It reports as JSON.
-- Arguments: match or get, the bearer token, how many people there are to draw from, a seed.
local mode, count, head

function init(args)
  mode, count = args[1], tonumber(args[3])
  math.randomseed(tonumber(args[4]))
  head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " .. args[2] ..
    "\r\nContent-Type: application/json\r\nContent-Length: "
  if mode == "get" then
    head = "GET " .. wrk.path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
  end
end

function request()
  if mode == "get" then return head end
  local number = math.random(0, count - 1)
  local body = string.format(
    '{"account":{"platform":"x","id":"%.0f"},"identifier":{"kind":"person","type":"email",' ..
    '"value":"person%d@mailbox.example"},"purpose":"customer-care"}', 5000000000 + number, number)
  return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency, requests)
  local wrong = summary.errors
  io.write(string.format('\n{"count":%d,"wall":%.6f,"p50":%.6f,"p99":%.6f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    wrong.status, wrong.connect + wrong.read + wrong.write + wrong.timeout))
end
