"""A message as plain text: the second half of a mail, and what services without formats show."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_cli.alerts.message import Item, Message
from pipeline_cli.alerts.wording import write_moment

_LAST = ("Place", "Code", "Hint")


def render_text(message: Message) -> str:
    """The whole message, a line a fact."""
    lines = [message.title, f"{message.project} / {message.environment}", "", message.sentence]
    for index, item in enumerate(message.items):
        lines += _item(item, is_lead=index == 0)
    if message.steps:
        lines += ["", *(f"  {name}  {status}  {words}".rstrip() for name, status, words in message.steps)]
    for title, tiles in message.figures:
        lines += ["", title]
        lines += [f"  {label}: {value}{f' ({detail})' if detail else ''}" for label, value, detail in tiles]
    if message.facts:
        lines += ["", *(f"{label}: {text}" for label, text in message.facts)]
    commands = (("Next", message.next), ("Log", message.log), ("Log file", message.log_file))
    told = [f"{label}: {text}" for label, text in commands if text]
    if told:
        lines += ["", *told]
    return "\n".join(lines) + "\n"


def item_facts(item: Item) -> Iterator[tuple[str, str]]:
    """Label and text of all that is told of one pipeline's trouble, the sentence apart: what matters most first."""
    if item.lasted_s is not None:
        if item.step:
            yield "Step", item.step
        yield "From", write_moment(item.since)
        return
    yield from ((label, text) for label, text in item.details if label not in _LAST)
    if item.also:
        yield "Also failed", "\n".join(item.also)
    if item.stopped:
        yield "Stopped", ", ".join(item.stopped)
    if item.affected:
        yield "Affected", "\n".join(item.affected)
    if item.step:
        yield "Step", f"{item.step}, try {item.tries}" if item.tries else item.step
    if item.since:
        yield "Since", write_moment(item.since) + (f", seen in {item.runs} runs" if item.runs > 1 else "")
    if item.last_good:
        yield "Last good run", write_moment(item.last_good)
    yield from ((label, text) for label, text in item.details if label in _LAST)


def _item(item: Item, *, is_lead: bool) -> Iterator[str]:
    yield ""
    yield f"Pipeline: {item.pipeline}"
    if not is_lead:
        yield item.sentence
    for label, text in item_facts(item):
        first, *rest = text.splitlines() or [""]
        yield f"{label}: {first}"
        yield from (f"    {line}" for line in rest)
