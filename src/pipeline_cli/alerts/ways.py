"""How channels are reached: the built-in ones, and the project's plugins that have the hook `send_alert`."""

from __future__ import annotations

from functools import partial

from pipeline_cli.alerts.delivery import Way
from pipeline_cli.alerts.message import Alert
from pipeline_cli.alerts.switches import channels_on
from pipeline_cli.plugins.channels import send_alert
from pipeline_cli.plugins.channels.answers import Answer, NotDelivered
from pipeline_cli.plugins.manager import PluginFailed, PluginManager
from pipeline_cli.project import Project


def find_ways(project: Project, plugins: PluginManager) -> dict[str, Way]:
    """By name: channels whose variables are set, and plugins that can send."""
    ways = {
        name: Way(partial(send_alert, channel), channel.timeout.total_seconds())
        for name, channel in channels_on(project).items()
    }
    for name in plugins.listeners("send_alert"):
        ways.setdefault(name, Way(partial(_by_plugin, plugins, name), plugins.timeout_s(name)))
    return ways


def _by_plugin(plugins: PluginManager, name: str, alert: Alert, timeout_s: float) -> Answer:
    content = {"id": alert.id, **alert.message.to_dict()}
    try:
        plugins.call_one(name, "send_alert", alert=content)
    except PluginFailed as error:
        raise NotDelivered(str(error), again=False) from None
    return Answer("the plugin returned")
