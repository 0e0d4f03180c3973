"""How the pages of an API follow one another: dlt's types and keys."""

from typing import Literal

from pipeline_cli.manifest.models import entry, key


@entry
class SinglePage:
    type: Literal["single_page"]


@entry
class PageNumber:
    type: Literal["page_number"]
    base_page: int = key("The first page's number.", default=0)
    page_param: str = key("The query parameter of the page number.", default="page")
    total_path: str | None = key(
        "Where the response tells the number of pages; null: stop at an empty page.", default=None
    )
    maximum_page: int | None = key("The last page to ask for.", default=None)
    stop_after_empty_page: bool = key("Stop at a page without records.", default=True)


@entry
class Offset:
    type: Literal["offset"]
    limit: int = key("Records a page.", minimum=1)
    offset: int = key("Where to begin.", default=0)
    offset_param: str = key("The query parameter of the offset.", default="offset")
    limit_param: str = key("The query parameter of the limit.", default="limit")
    total_path: str | None = key(
        "Where the response tells the number of records; null: stop at an empty page.", default=None
    )
    maximum_offset: int | None = key("The last offset to ask for.", default=None)
    stop_after_empty_page: bool = key("Stop at a page without records.", default=True)


@entry
class HeaderLink:
    type: Literal["header_link"]
    links_next_key: str = key("The relation of the Link header that names the next page.", default="next")


@entry
class HeaderCursor:
    type: Literal["header_cursor"]
    cursor_key: str = key("The response header that holds the cursor.", default="next")
    cursor_param: str = key("The query parameter that takes it.", default="cursor")


@entry
class JsonLink:
    type: Literal["json_link"]
    next_url_path: str = key("Where the response holds the next page's address.", default="next")


@entry
class Cursor:
    type: Literal["cursor"]
    cursor_path: str = key("Where the response holds the cursor.", default="cursors.next")
    cursor_param: str | None = key("The query parameter that takes it.", default="cursor")
    cursor_body_path: str | None = key("The field of the request's body that takes it.", default=None)
    stop_after_empty_page: bool = key("Stop at a page without records.", default=False)
    has_more_path: str | None = key("Where the response tells whether there is more.", default=None)


Paginator = SinglePage | PageNumber | Offset | HeaderLink | HeaderCursor | JsonLink | Cursor
