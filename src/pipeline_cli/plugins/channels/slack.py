"""Slack: blocks to an incoming webhook."""

from __future__ import annotations

from typing import Any

from pipeline_cli.alerts.message import Alert, Item, Message
from pipeline_cli.alerts.wording import write_moment
from pipeline_cli.manifest.channels import SlackChannel
from pipeline_cli.plugins.channels.answers import Answer
from pipeline_cli.plugins.channels.http import post_json

# Slack's own limits: https://docs.slack.dev/reference/block-kit/blocks
_HEADER, _TEXT, _BLOCKS = 150, 3_000, 50
_SIGNS = {"recovery": "✅", "success": "✅", "report": "📊", "drift": "ℹ️", "test": "ℹ️", "contract": "⚠️"}


def send(channel: SlackChannel, alert: Alert, timeout_s: float) -> Answer:
    """Post the alert. Raises NotDelivered. Slack knows no ids: the small print has the alert's."""
    return post_json(channel.webhook, make_payload(alert), timeout_s)


def make_payload(alert: Alert) -> dict[str, Any]:
    """The webhook's JSON: what notifications show as text, the rest as blocks."""
    message = alert.message
    title = f"{_SIGNS.get(message.kind, '🔴')} {message.title}"
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, _HEADER), "emoji": True}},
        _section(f"*{escape(message.project)} / {escape(message.environment)}*\n{escape(message.sentence)}"),
        *(_item(item, index == 0) for index, item in enumerate(message.items)),
    ]
    if message.steps:
        lines = [
            f"• {escape(name)}: {escape(status)} {escape(words)}".rstrip()
            for name, status, words in message.steps
        ]
        blocks.append(_section("\n".join(lines)))
    for name, tiles in message.figures:
        told = [
            f"• {escape(label)}: *{escape(value)}*  {escape(detail)}".rstrip()
            for label, value, detail in tiles
        ]
        blocks.append(_section("\n".join([f"*{escape(name)}*", *told])))
    if message.next:
        blocks.append(_section(f"*Next*\n{_code(message.next)}"))
    small = [*(f"{label}: {text}" for label, text in message.facts), *_log(message)]
    again = " · may have come before" if alert.repeated else ""
    blocks.append(_context(" · ".join(escape(each) for each in [*small, alert.id]) + again))
    kept = [block for block in blocks if block][: _BLOCKS - 1]
    return {"text": escape(_cut(f"{title}: {message.sentence}", _TEXT)), "blocks": kept}


def escape(text: str) -> str:
    """Text without the three characters that mean something to Slack: no data becomes a link or a <!channel>."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _item(item: Item, is_lead: bool) -> dict[str, Any]:
    lines = [] if is_lead else [f"*{escape(item.pipeline)}*: {escape(item.sentence)}"]
    if item.since and item.lasted_s is None:
        runs = f", {item.runs} runs" if item.runs > 1 else ""
        lines.append(f"*Since* {write_moment(item.since)}{runs}")
    if item.tries and item.tries > 1:
        lines.append(f"*Try* {item.tries}")
    if item.lasted_s is None:
        lines += [f"*{escape(label)}* {escape(text)}" for label, text in item.details]
        lines += [f"*Also* {escape(each)}" for each in item.also]
        if item.stopped:
            lines.append(f"*Stopped* {escape(', '.join(item.stopped))}")
        lines += [f"*Affected* {escape(each)}" for each in item.affected]
        if item.last_good:
            lines.append(f"*Last good run* {write_moment(item.last_good)}")
    return _section("\n".join(lines))


def _log(message: Message) -> list[str]:
    return [f"Log: {message.log}"] if message.log else []


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, _TEXT)}} if text else {}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(text, _TEXT)}]}


def _code(text: str) -> str:
    return f"`{escape(text.replace('`', chr(39)))}`"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
