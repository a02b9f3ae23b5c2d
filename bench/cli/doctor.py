"""``bench doctor``: what this machine has, and what is wrong with it."""

import typer

from bench.cli.arguments import (
    AnyDataDirOption,
    CsvOption,
    JsonOption,
    PluginOption,
    StoreOption,
)

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command()
def doctor(
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
    data_dir: AnyDataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """Say what this machine has, and what is wrong with it; exit code 1 if something is.

    JSON and CSV are for bug reports: they name no user, no host and no folder of yours.

    For example:
      bench doctor
      bench doctor --json > for-a-bug-report.json
    """
    from bench.cli.doctor_checks import examine, shareable
    from bench.cli.view_command import print_value
    from bench.views import NoOptions
    from bench.views.doctor import VIEW

    findings = examine(store=store, data_dir=data_dir, plugins=tuple(plugins or ()))
    if as_json or as_csv:
        findings = [shareable(finding) for finding in findings]
    value = VIEW.compute(findings, NoOptions())
    print_value(VIEW, value, NoOptions(), is_json=as_json, is_csv=as_csv)
