"""The server to compare with: parses the lines of the same body, and does nothing with them."""
import json

from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/observe")
async def observe(request: Request):
    observed, rest = 0, b""
    async for piece in request.stream():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            observed += json.loads(line)["features"] is not None
    return {"observed": observed}
