-- Makes wrk upload when asked to, and print what it counted as one line of JSON.

function init(args)
  if args[1] == "upload" then
    wrk.method = "POST"
    wrk.body = string.rep("x", 1048576)
  end
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
