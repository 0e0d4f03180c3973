select order_id
from {{ ref('log') }}
