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
    from bench.render.console import make_console
    from bench.render.doctor import FINDING_COLUMNS, doctor_as_dict, doctor_lines
    from bench.render.export import as_csv as csv_text
    from bench.render.export import as_json as json_text

    findings = examine(store=store, data_dir=data_dir, plugins=tuple(plugins or ()))
    if as_json or as_csv:
        findings = [shareable(finding) for finding in findings]
    if as_json:
        print(json_text(doctor_as_dict(findings)))
    elif as_csv:
        records = doctor_as_dict(findings)["findings"]
        print(csv_text(records, FINDING_COLUMNS), end="")
    else:
        console = make_console()
        for line in doctor_lines(findings, console.width):
            console.print(line)
    raise typer.Exit(int(any(finding.is_wrong for finding in findings)))
