-- A day's sales are known when the day is over, so a row counts from the next day on.
select
  shop,
  day + interval 1 day as event_timestamp,
  avg(sales) over last_week as mean_7d,
  lag(sales, 6) over in_order as same_weekday,
  sales as last_day
from daily_sales
window
  last_week as (partition by shop order by day rows between 6 preceding and current row),
  in_order as (partition by shop order by day)
