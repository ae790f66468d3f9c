"""`python -m stacks`: the app that cdktf.json names.

JTEL_ENVIRONMENTS is the folder of environment files (default: stacks/environments beside this file), CDKTF_OUTDIR the
folder for the result (default: cdktf.out). Exit code 2 for wrong input; nothing is written then.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

# a short-lived process: collecting garbage while the libraries load costs a tenth of it and frees nothing
gc.disable()

from jtel_constructs.constructs.synth import load_all, synthesize  # noqa: E402
from jtel_constructs.errors import JtelError  # noqa: E402
from jtel_constructs.policy import environment_files  # noqa: E402
from jtel_constructs.processes import Stopped, own_temporary_files, stopped_by_signals  # noqa: E402
from jtel_constructs.writing import WriteError  # noqa: E402


def main() -> int:
    folder = Path(os.environ.get("JTEL_ENVIRONMENTS") or Path(__file__).parent / "environments")
    out = Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out")
    try:
        with stopped_by_signals(), own_temporary_files():
            synthesize(load_all(environment_files(folder)), out)
    except WriteError as error:
        print(f"error: {error}; choose another folder with CDKTF_OUTDIR, or --output of cdktf", file=sys.stderr)
        return 2
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Stopped as stopped:
        return stopped.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
