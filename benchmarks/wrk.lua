-- What Load in measure.py asks for, as arguments; and what wrk counted, as one line of JSON.

local asked = {}

-- Each connection waits before each request: evenly spread around the mean, so that they mix.
local function think(mean_ms)
  delay = function() return math.random(0, 2 * mean_ms) end
end

-- Each request is for the next of the services s0, s1, ….
local function take_turns(names)
  local requests, number = {}, 0
  for index = 1, names do
    wrk.headers["Host"] = string.format("s%d.localhost", index - 1)
    requests[index] = wrk.format()
  end
  request = function()
    number = number % names + 1
    return requests[number]
  end
end

-- No request is like the one before: another query and another trace, as of clients that are traced.
local function never_repeat()
  local path, number = wrk.path, 0
  request = function()
    number = number + 1
    wrk.headers["Traceparent"] = string.format("00-%032x-%016x-01", number, number)
    return wrk.format(nil, string.format("%s?number=%d", path, number))
  end
end

function init(args)
  for _, arg in ipairs(args) do
    local name, value = arg:match("(%a+)=(%d+)")
    asked[name] = tonumber(value)
  end
  if asked.upload then
    wrk.method = "POST"
    wrk.body = string.rep("x", asked.upload)
  end
  if asked.think then think(asked.think) end
  if asked.names then take_turns(asked.names) end
  if asked.varied then never_repeat() end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'counted {"requests": %d, "bytes": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, ' ..
    '"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
    summary.requests, summary.bytes, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
