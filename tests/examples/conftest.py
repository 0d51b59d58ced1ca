"""What tests/http starts services with."""
import importlib.util
import pathlib

_PATH = pathlib.Path(__file__).resolve().parents[1] / "http" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("http_conftest", _PATH)
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)

BINARY = _MODULE.BINARY
ROOT = _MODULE.ROOT
Service = _MODULE.Service
start_service = _MODULE.start_service
