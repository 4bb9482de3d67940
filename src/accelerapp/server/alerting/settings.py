"""What alertmanager.yml may contain, as Alertmanager's configuration reference has it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from accelerapp.server.alerting.timesettings import NamedIntervalsSettings
from accelerapp.server.configfile import ConfigModel, Duration, RelativePath, Text
from accelerapp.server.configfile.http import HttpSettings, TlsSettings


def _refuse(value: object) -> object:
    raise ValueError("is not supported by this version; remove it, or use Alertmanager itself for it")


#: A key that Alertmanager knows and we do not.
Unsupported = Annotated[Any, BeforeValidator(_refuse)]


def _no_updates(value: bool) -> bool:
    if value:
        raise ValueError("messages are not changed after they are sent; remove it, and each is a new one")
    return value


def _no_events_v1(value: object) -> object:
    raise ValueError("is for PagerDuty's Events API version 1, which is not supported; use `routing_key`")


def _not_empty(value: str) -> str:
    if not value:
        raise ValueError("must not be empty; write a text")
    return value


NonEmpty = Annotated[Text, AfterValidator(_not_empty)]


class GlobalSettings(ConfigModel):
    resolve_timeout: Duration = 300.0
    http_config: HttpSettings = HttpSettings()
    slack_api_url: Text = ""
    slack_api_url_file: RelativePath | None = None
    slack_app_token: Text = ""
    slack_app_token_file: RelativePath | None = None
    slack_app_url: Text = "https://slack.com/api/chat.postMessage"
    pagerduty_url: Text = "https://events.pagerduty.com/v2/enqueue"
    smtp_from: Text = ""
    smtp_hello: Text = "localhost"
    smtp_smarthost: Text = ""
    smtp_auth_username: Text = ""
    smtp_auth_password: Text = ""
    smtp_auth_password_file: RelativePath | None = None
    smtp_auth_identity: Text = ""
    smtp_auth_secret: Text = ""
    smtp_auth_secret_file: RelativePath | None = None
    smtp_require_tls: bool = True
    smtp_tls_config: TlsSettings = TlsSettings()
    smtp_force_implicit_tls: bool | None = None
    jira_api_url: Unsupported = None
    mattermost_webhook_url: Unsupported = None
    mattermost_webhook_url_file: Unsupported = None
    opsgenie_api_key: Unsupported = None
    opsgenie_api_key_file: Unsupported = None
    opsgenie_api_url: Unsupported = None
    rocketchat_api_url: Unsupported = None
    rocketchat_token: Unsupported = None
    rocketchat_token_file: Unsupported = None
    rocketchat_token_id: Unsupported = None
    rocketchat_token_id_file: Unsupported = None
    telegram_api_url: Unsupported = None
    telegram_bot_token: Unsupported = None
    telegram_bot_token_file: Unsupported = None
    victorops_api_key: Unsupported = None
    victorops_api_key_file: Unsupported = None
    victorops_api_url: Unsupported = None
    webex_api_url: Unsupported = None
    wechat_api_corp_id: Unsupported = None
    wechat_api_secret: Unsupported = None
    wechat_api_secret_file: Unsupported = None
    wechat_api_url: Unsupported = None


class RouteSettings(ConfigModel):
    receiver: Text = ""
    group_by: list[Text] | None = None
    continue_: bool = Field(default=False, alias="continue")
    match: dict[str, Text] = Field(default_factory=dict)
    match_re: dict[str, Text] = Field(default_factory=dict)
    matchers: list[Text] = Field(default_factory=list)
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    repeat_interval: Duration | None = None
    routes: list[RouteSettings] = Field(default_factory=list)
    mute_time_intervals: list[Text] = Field(default_factory=list)
    active_time_intervals: list[Text] = Field(default_factory=list)
    labels: Unsupported = None


class InhibitSettings(ConfigModel):
    name: Text = ""
    source_match: dict[str, Text] = Field(default_factory=dict)
    source_match_re: dict[str, Text] = Field(default_factory=dict)
    source_matchers: list[Text] = Field(default_factory=list)
    target_match: dict[str, Text] = Field(default_factory=dict)
    target_match_re: dict[str, Text] = Field(default_factory=dict)
    target_matchers: list[Text] = Field(default_factory=list)
    equal: list[Text] = Field(default_factory=list)


class WebhookSettings(ConfigModel):
    send_resolved: bool = True
    url: Text = ""
    url_file: RelativePath | None = None
    http_config: HttpSettings | None = None
    max_alerts: int = Field(default=0, ge=0)
    timeout: Duration = 0.0
    payload: Any = None


class SlackField(ConfigModel):
    title: NonEmpty
    value: NonEmpty
    short: bool | None = None


class SlackConfirmation(ConfigModel):
    text: NonEmpty
    title: Text = ""
    ok_text: Text = ""
    dismiss_text: Text = ""


class SlackAction(ConfigModel):
    type: NonEmpty
    text: NonEmpty
    url: Text = ""
    style: Text = ""
    name: Text = ""
    value: Text = ""
    confirm: SlackConfirmation | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> SlackAction:
        if not self.url and not self.name:
            raise ValueError("an action needs either `url` or `name`; add one")
        return self


class SlackSettings(ConfigModel):
    send_resolved: bool = False
    http_config: HttpSettings | None = None
    api_url: Text = ""
    api_url_file: RelativePath | None = None
    app_token: Text = ""
    app_token_file: RelativePath | None = None
    app_url: Text = ""
    channel: Text = ""
    username: Text = '{{ template "slack.default.username" . }}'
    color: Text = '{{ template "slack.default.color" . }}'
    title: Text = '{{ template "slack.default.title" . }}'
    title_link: Text = '{{ template "slack.default.titlelink" . }}'
    pretext: Text = '{{ template "slack.default.pretext" . }}'
    text: Text = '{{ template "slack.default.text" . }}'
    message_text: Text = ""
    fields: list[SlackField] = Field(default_factory=list)
    short_fields: bool = False
    footer: Text = '{{ template "slack.default.footer" . }}'
    fallback: Text = '{{ template "slack.default.fallback" . }}'
    callback_id: Text = '{{ template "slack.default.callbackid" . }}'
    icon_emoji: Text = '{{ template "slack.default.iconemoji" . }}'
    icon_url: Text = '{{ template "slack.default.iconurl" . }}'
    image_url: Text = ""
    thumb_url: Text = ""
    link_names: bool = False
    mrkdwn_in: list[Text] = Field(default_factory=list)
    actions: list[SlackAction] = Field(default_factory=list)
    update_message: Annotated[bool, AfterValidator(_no_updates)] = False
    timeout: Duration = 0.0


class PagerdutyLink(ConfigModel):
    href: Text = ""
    text: Text = ""


class PagerdutyImage(ConfigModel):
    src: Text = ""
    alt: Text = ""
    href: Text = ""


class PagerdutySettings(ConfigModel):
    send_resolved: bool = True
    http_config: HttpSettings | None = None
    service_key: Annotated[Any, BeforeValidator(_no_events_v1)] = None
    service_key_file: Annotated[Any, BeforeValidator(_no_events_v1)] = None
    routing_key: Text = ""
    routing_key_file: RelativePath | None = None
    url: Text = ""
    client: Text = '{{ template "pagerduty.default.client" . }}'
    client_url: Text = '{{ template "pagerduty.default.clientURL" . }}'
    description: Text = '{{ template "pagerduty.default.description" .}}'
    severity: Text = ""
    details: dict[str, Any] = Field(default_factory=dict)
    images: list[PagerdutyImage] = Field(default_factory=list)
    links: list[PagerdutyLink] = Field(default_factory=list)
    source: Text = ""
    class_: Text = Field(default="", alias="class")
    component: Text = ""
    group: Text = ""
    timeout: Duration = 0.0


class ThreadingSettings(ConfigModel):
    enabled: bool = False
    thread_by_date: Text = ""


class EmailSettings(ConfigModel):
    send_resolved: bool = False
    to: Text = ""
    from_: Text = Field(default="", alias="from")
    smarthost: Text = ""
    hello: Text = ""
    auth_username: Text = ""
    auth_password: Text = ""
    auth_password_file: RelativePath | None = None
    auth_secret: Text = ""
    auth_secret_file: RelativePath | None = None
    auth_identity: Text = ""
    require_tls: bool | None = None
    tls_config: TlsSettings | None = None
    force_implicit_tls: bool | None = None
    html: Text = '{{ template "email.default.html" . }}'
    text: Text = ""
    headers: dict[str, Text] = Field(default_factory=dict)
    threading: ThreadingSettings = ThreadingSettings()


IntegrationSettings = WebhookSettings | SlackSettings | PagerdutySettings | EmailSettings


class ReceiverSettings(ConfigModel):
    name: Text = ""
    labels: dict[str, Text] = Field(default_factory=dict)
    webhook_configs: list[WebhookSettings] = Field(default_factory=list)
    slack_configs: list[SlackSettings] = Field(default_factory=list)
    pagerduty_configs: list[PagerdutySettings] = Field(default_factory=list)
    email_configs: list[EmailSettings] = Field(default_factory=list)
    discord_configs: Unsupported = None
    incidentio_configs: Unsupported = None
    jira_configs: Unsupported = None
    mattermost_configs: Unsupported = None
    msteams_configs: Unsupported = None
    msteamsv2_configs: Unsupported = None
    opsgenie_configs: Unsupported = None
    pushover_configs: Unsupported = None
    rocketchat_configs: Unsupported = None
    sns_configs: Unsupported = None
    telegram_configs: Unsupported = None
    victorops_configs: Unsupported = None
    webex_configs: Unsupported = None
    wechat_configs: Unsupported = None


class FileSettings(ConfigModel):
    global_: GlobalSettings = Field(default=GlobalSettings(), alias="global")
    templates: list[RelativePath] = Field(default_factory=list)
    route: RouteSettings
    receivers: list[ReceiverSettings] = Field(default_factory=list)
    inhibit_rules: list[InhibitSettings] = Field(default_factory=list)
    time_intervals: list[NamedIntervalsSettings] = Field(default_factory=list)
    mute_time_intervals: list[NamedIntervalsSettings] = Field(default_factory=list)
    tracing: Unsupported = None
    event_recorder: Unsupported = None
