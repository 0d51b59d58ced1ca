-- soak.lua - the mixture of requests that scripts/soak.sh sends with wrk: mostly predictions, of
-- every form, some refused, and between them everything else the service answers. No HEAD: wrk
-- would wait for the body.
local json = { ["Content-Type"] = "application/json" }

local function number()
    return string.format("%.6f", (math.random() - 0.5) * 6)
end

local function row()
    return "[" .. table.concat({ number(), number(), number(), number(), number() }, ", ") .. "]"
end

local function named()
    local parts = {}
    for i = 0, 4 do
        parts[#parts + 1] = string.format('"feature_%d": %s', i, number())
    end
    return "{" .. table.concat(parts, ", ") .. "}"
end

local function batch(rows)
    local parts = {}
    for i = 1, rows do
        parts[i] = row()
    end
    return '{"instances": [' .. table.concat(parts, ", ") .. "]}"
end

local refused = {
    "", "{", "[]", "null", '{"features": []}', '{"features": [1, 2, 3, 4]}',
    '{"features": [1, 2, 3, 4, "x"]}', '{"features": [1e999, 0, 0, 0, 0]}',
    '{"features": {"feature_0": 1}}', '{"features": {"nobody": 1}}',
    '{"features": [1, 2, 3, 4, 5], "features": []}', '{"instances": 5}', "\255\254", string.rep("[", 3000),
}

local gets = { "/", "/health", "/ready", "/drift/status", "/metrics", "/nowhere", "/dashboard" }

local function post(path, body)
    return wrk.format("POST", path, json, body)
end

-- { weight, function }
local mixture = {
    { 70, function() return post("/predict", '{"features": ' .. row() .. "}") end },
    { 10, function() return post("/predict", '{"features": ' .. named() .. ', "id": "soak"}') end },
    { 4, function() return post("/predict", batch(8)) end },
    { 6, function() return post("/predict", refused[math.random(#refused)]) end },
    { 7, function() return wrk.format("GET", gets[math.random(#gets)], { ["Accept-Encoding"] = "gzip" }) end },
    { 1, function() return post("/simulate/drift?severity=0.5&n_requests=20", "") end },
    { 2, function() return wrk.format("DELETE", "/predict") end },
}

function init()
    math.randomseed(7)
end

function request()
    local left = math.random(100)
    for _, entry in ipairs(mixture) do
        left = left - entry[1]
        if left <= 0 then
            return entry[2]()
        end
    end
end
