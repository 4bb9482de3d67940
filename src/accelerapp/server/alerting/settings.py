"""What alertmanager.yml may contain, as Alertmanager's configuration reference has it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, HttpUrl

from accelerapp.server.alerting.timesettings import NamedIntervalsSettings
from accelerapp.server.configfile import ConfigModel, Duration, RelativePath, Text


def _refuse(value: object) -> object:
    raise ValueError("is not supported by this version; remove it, or use Alertmanager itself for it")


#: A key that Alertmanager knows and we do not.
Unsupported = Annotated[Any, BeforeValidator(_refuse)]


class GlobalSettings(ConfigModel):
    resolve_timeout: Duration = 300.0
    http_config: dict[str, Any] | None = None
    slack_api_url: Text = ""
    slack_api_url_file: RelativePath | None = None
    pagerduty_url: Text = ""
    smtp_from: Text = ""
    smtp_hello: Text = ""
    smtp_smarthost: Text = ""
    smtp_auth_username: Text = ""
    smtp_auth_password: Text = ""
    smtp_auth_password_file: RelativePath | None = None
    smtp_auth_identity: Text = ""
    smtp_auth_secret: Text = ""
    smtp_require_tls: bool = True


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


class InhibitSettings(ConfigModel):
    name: Text = ""
    source_match: dict[str, Text] = Field(default_factory=dict)
    source_match_re: dict[str, Text] = Field(default_factory=dict)
    source_matchers: list[Text] = Field(default_factory=list)
    target_match: dict[str, Text] = Field(default_factory=dict)
    target_match_re: dict[str, Text] = Field(default_factory=dict)
    target_matchers: list[Text] = Field(default_factory=list)
    equal: list[Text] = Field(default_factory=list)


class Authorization(ConfigModel):
    type: Text = "Bearer"
    credentials: Text = ""
    credentials_file: RelativePath | None = None


class BasicAuth(ConfigModel):
    username: Text = ""
    username_file: RelativePath | None = None
    password: Text = ""
    password_file: RelativePath | None = None


class HttpSettings(ConfigModel):
    authorization: Authorization | None = None
    basic_auth: BasicAuth | None = None
    follow_redirects: bool = True
    bearer_token: Text = ""
    bearer_token_file: RelativePath | None = None
    tls_config: Unsupported = None
    oauth2: Unsupported = None
    proxy_url: Unsupported = None
    proxy_from_environment: Unsupported = None
    no_proxy: Unsupported = None
    proxy_connect_header: Unsupported = None
    http_headers: Unsupported = None
    enable_http2: bool = True


class WebhookSettings(ConfigModel):
    send_resolved: bool = True
    url: HttpUrl | None = None
    url_file: RelativePath | None = None
    http_config: HttpSettings = HttpSettings()
    max_alerts: int = Field(default=0, ge=0)
    timeout: Duration = 0.0


class SlackSettings(ConfigModel):
    send_resolved: bool = False
    http_config: dict[str, Any] | None = None
    api_url: Text = ""
    api_url_file: RelativePath | None = None
    channel: Text = ""
    username: Text = ""
    color: Text = ""
    title: Text = ""
    title_link: Text = ""
    pretext: Text = ""
    text: Text = ""
    fields: list[dict[str, Any]] = Field(default_factory=list)
    short_fields: bool = False
    footer: Text = ""
    fallback: Text = ""
    callback_id: Text = ""
    icon_emoji: Text = ""
    icon_url: Text = ""
    image_url: Text = ""
    thumb_url: Text = ""
    link_names: bool = False
    mrkdwn_in: list[Text] = Field(default_factory=list)
    actions: list[dict[str, Any]] = Field(default_factory=list)
    timeout: Duration = 0.0


class PagerdutySettings(ConfigModel):
    send_resolved: bool = True
    http_config: dict[str, Any] | None = None
    service_key: Text = ""
    service_key_file: RelativePath | None = None
    routing_key: Text = ""
    routing_key_file: RelativePath | None = None
    url: Text = ""
    client: Text = ""
    client_url: Text = ""
    description: Text = ""
    severity: Text = ""
    details: dict[str, Any] = Field(default_factory=dict)
    images: list[dict[str, Text]] = Field(default_factory=list)
    links: list[dict[str, Text]] = Field(default_factory=list)
    source: Text = ""
    class_: Text = Field(default="", alias="class")
    component: Text = ""
    group: Text = ""
    timeout: Duration = 0.0


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
    auth_identity: Text = ""
    require_tls: bool | None = None
    tls_config: dict[str, Any] | None = None
    html: Text = ""
    text: Text = ""
    headers: dict[str, Text] = Field(default_factory=dict)


IntegrationSettings = WebhookSettings | SlackSettings | PagerdutySettings | EmailSettings


class ReceiverSettings(ConfigModel):
    name: Text = ""
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
